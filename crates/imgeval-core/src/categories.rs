//! The 80 COCO object categories and ten colors by GenEval's names (`evaluation/object_names.txt` and
//! `evaluate_images.py` of djghosh13/geneval). COCO-80 detectors share the order, so an index is a category.

use std::fmt;

/// GenEval's names in COCO order. Four differ from COCO's own: computer mouse, tv remote, computer keyboard
/// (COCO: mouse, remote, keyboard); "hair drier" is COCO's spelling.
pub const CATEGORY_NAMES: [&str; 80] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "computer mouse",
    "tv remote",
    "computer keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
];

/// The ten colors in the order of GenEval's evaluator.
pub const COLOR_NAMES: [&str; 10] =
    ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"];

/// An object category, an index into [`CATEGORY_NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Category(u8);

/// A color, an index into [`COLOR_NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Color(u8);

macro_rules! indexed_name {
    ($type:ident, $names:ident) => {
        impl $type {
            #[must_use]
            pub fn from_index(index: usize) -> Option<Self> {
                (index < $names.len()).then(|| Self(u8::try_from(index).unwrap_or(u8::MAX)))
            }

            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                $names.iter().position(|known| *known == name).and_then(Self::from_index)
            }

            #[must_use]
            pub fn name(self) -> &'static str {
                $names[self.index()]
            }

            #[must_use]
            pub fn index(self) -> usize {
                usize::from(self.0)
            }

            pub fn all() -> impl Iterator<Item = Self> {
                (0..$names.len()).filter_map(Self::from_index)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.name())
            }
        }
    };
}

indexed_name!(Category, CATEGORY_NAMES);
indexed_name!(Color, COLOR_NAMES);
