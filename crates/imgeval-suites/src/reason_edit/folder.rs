//! The six folders, by the names that the benchmark and the official script give them.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Folder {
    LeftRight,
    RelativeSize,
    Mirror,
    Color,
    MultipleObjects,
    Reasoning,
}

impl Folder {
    pub const ALL: [Self; 6] = [
        Self::LeftRight,
        Self::RelativeSize,
        Self::Mirror,
        Self::Color,
        Self::MultipleObjects,
        Self::Reasoning,
    ];

    /// As it begins the ids of its cases.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LeftRight => "left-right",
            Self::RelativeSize => "relative-size",
            Self::Mirror => "mirror",
            Self::Color => "color",
            Self::MultipleObjects => "multiple-objects",
            Self::Reasoning => "reasoning",
        }
    }

    /// The folder of a case, from its id.
    #[must_use]
    pub fn of_case_id(id: &str) -> Option<Self> {
        let has_prefix =
            |folder: &Self| id.strip_prefix(folder.name()).is_some_and(|rest| rest.starts_with('-'));
        Self::ALL.into_iter().find(has_prefix)
    }

    /// All but reasoning.
    #[must_use]
    pub fn is_understanding(self) -> bool {
        self != Self::Reasoning
    }

    /// How the benchmark's folder names end; the second is that of the public zip.
    pub(super) fn endings(self) -> &'static [&'static str] {
        match self {
            Self::LeftRight => &["1-Left-Right"],
            Self::RelativeSize => &["2-Relative-Size"],
            Self::Mirror => &["3-Mirror"],
            Self::Color => &["4-Color"],
            Self::MultipleObjects => &["5-Multiple-Objects"],
            Self::Reasoning => &["6-Reasoning", "Reasoning-231115"],
        }
    }

    pub(super) fn text_file(self) -> &'static str {
        match self {
            Self::LeftRight => "Left_Right_text.txt",
            Self::RelativeSize => "Size_text.txt",
            Self::Mirror => "Mirror_text.txt",
            Self::Color => "Color_text.txt",
            Self::MultipleObjects => "MultipleObjects_text.txt",
            Self::Reasoning => "Reason_test.txt",
        }
    }

    /// Where SmartEdit's script (`test/metrics_evaluation.py`) looks for edited images.
    pub(super) fn edited_folder(self) -> &'static str {
        match self {
            Self::LeftRight => "LeftRight_metrics_1",
            Self::RelativeSize => "RelativeSize_metrics_2",
            Self::Mirror => "Mirror_metrics_3",
            Self::Color => "Color_metrics_4",
            Self::MultipleObjects => "MultipleObjects_metrics_5",
            Self::Reasoning => "Reasoning_metrics_1",
        }
    }
}
