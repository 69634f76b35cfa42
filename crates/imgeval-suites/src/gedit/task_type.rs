/// What an edit is about. The score of a model is the mean of the scores of these groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskType {
    BackgroundChange,
    ColorAlter,
    MaterialAlter,
    MotionChange,
    PsHuman,
    StyleChange,
    SubjectAdd,
    SubjectRemove,
    SubjectReplace,
    TextChange,
    ToneTransfer,
}

impl TaskType {
    /// In the published order.
    pub const ALL: [Self; 11] = [
        Self::BackgroundChange,
        Self::ColorAlter,
        Self::MaterialAlter,
        Self::MotionChange,
        Self::PsHuman,
        Self::StyleChange,
        Self::SubjectAdd,
        Self::SubjectRemove,
        Self::SubjectReplace,
        Self::TextChange,
        Self::ToneTransfer,
    ];

    /// As the data and the folders name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BackgroundChange => "background_change",
            Self::ColorAlter => "color_alter",
            Self::MaterialAlter => "material_alter",
            Self::MotionChange => "motion_change",
            Self::PsHuman => "ps_human",
            Self::StyleChange => "style_change",
            Self::SubjectAdd => "subject-add",
            Self::SubjectRemove => "subject-remove",
            Self::SubjectReplace => "subject-replace",
            Self::TextChange => "text_change",
            Self::ToneTransfer => "tone_transfer",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task_type| task_type.name() == name)
    }
}
