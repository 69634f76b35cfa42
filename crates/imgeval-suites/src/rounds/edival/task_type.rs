//! The kinds of instructions.

/// What an instruction asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskType {
    SubjectReplace,
    SubjectRemove,
    MaterialAlter,
    ColorAlter,
    SubjectAdd,
    TextChange,
    PositionChange,
    CountChange,
    /// The only one that is not local.
    BackgroundChange,
}

impl TaskType {
    /// In the order of the official tables.
    pub const ALL: [Self; 9] = [
        Self::SubjectReplace,
        Self::SubjectRemove,
        Self::MaterialAlter,
        Self::ColorAlter,
        Self::SubjectAdd,
        Self::TextChange,
        Self::PositionChange,
        Self::CountChange,
        Self::BackgroundChange,
    ];

    /// As the table spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SubjectReplace => "subject_replace",
            Self::SubjectRemove => "subject_remove",
            Self::MaterialAlter => "material_alter",
            Self::ColorAlter => "color_alter",
            Self::SubjectAdd => "subject_add",
            Self::TextChange => "text_change",
            Self::PositionChange => "position_change",
            Self::CountChange => "count_change",
            Self::BackgroundChange => "background_change",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task_type| task_type.name() == name)
    }
}
