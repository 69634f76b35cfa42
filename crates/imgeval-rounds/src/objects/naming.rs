//! Which objects an instruction names.

use imgeval_core::Category;

/// Everyday words for what a detector calls by another name. Words that could mean several categories stand for each of them, because an
/// object that was asked for must not count as kept or lost.
const OTHER_WORDS: [(&str, &[&str]); 33] = [
    (
        "person",
        &[
            "people",
            "man",
            "men",
            "woman",
            "women",
            "boy",
            "girl",
            "child",
            "children",
            "kid",
            "baby",
            "guy",
            "lady",
            "gentleman",
            "human",
            "someone",
            "player",
            "rider",
            "face",
            "he",
            "she",
            "him",
            "her",
            "his",
            "they",
            "them",
            "their",
        ],
    ),
    ("bicycle", &["bike", "cycle"]),
    ("car", &["automobile", "vehicle", "taxi", "suv"]),
    ("motorcycle", &["motorbike", "scooter", "bike", "vehicle"]),
    ("airplane", &["plane", "aeroplane", "aircraft", "jet"]),
    ("bus", &["vehicle"]),
    ("truck", &["lorry", "van", "pickup", "vehicle"]),
    ("boat", &["ship", "sailboat", "yacht", "canoe", "kayak"]),
    ("traffic light", &["stoplight"]),
    ("bird", &["duck", "gull", "seagull", "pigeon", "parrot", "eagle", "owl", "chicken", "swan", "animal"]),
    ("cat", &["kitten", "kitty", "animal", "pet"]),
    ("dog", &["puppy", "animal", "pet"]),
    ("horse", &["pony", "foal", "animal"]),
    ("sheep", &["lamb", "animal"]),
    ("cow", &["bull", "calf", "cattle", "ox", "animal"]),
    ("elephant", &["animal"]),
    ("bear", &["animal"]),
    ("zebra", &["animal"]),
    ("giraffe", &["animal"]),
    ("backpack", &["bag", "rucksack"]),
    ("handbag", &["bag", "purse"]),
    ("tie", &["necktie", "bow tie"]),
    ("suitcase", &["luggage", "bag", "case"]),
    ("sports ball", &["ball", "football", "basketball"]),
    ("wine glass", &["glass", "goblet"]),
    ("cup", &["mug", "glass"]),
    ("donut", &["doughnut"]),
    ("couch", &["sofa"]),
    ("potted plant", &["plant", "houseplant", "flowerpot"]),
    ("dining table", &["table", "desk"]),
    ("tv", &["television", "monitor", "screen"]),
    ("cell phone", &["phone", "smartphone", "telephone"]),
    ("refrigerator", &["fridge"]),
];

/// Words of GenEval's names that people leave out.
const SHORT_NAMES: [(&str, &str); 6] = [
    ("computer mouse", "mouse"),
    ("tv remote", "remote"),
    ("computer keyboard", "keyboard"),
    ("hair drier", "dryer"),
    ("teddy bear", "teddy"),
    ("tennis racket", "racket"),
];

const CHANGES: [&str; 13] = [
    "change",
    "replace",
    "make",
    "turn",
    "set",
    "swap",
    "switch",
    "blur",
    "remove",
    "transform",
    "convert",
    "alter",
    "erase",
];

/// Words that may stand between the change and the background.
const BETWEEN: [&str; 9] = ["the", "its", "whole", "entire", "this", "image", "s", "scene", "current"];

/// Whether a text names objects of this category: by the category's name, an everyday word for it, or the plural of either.
pub(crate) fn names_category(text: &str, category: Category) -> bool {
    let words = words_of(text);
    let name = category.name();
    let others =
        OTHER_WORDS.iter().filter(|(of, _)| *of == name).flat_map(|(_, others)| others.iter().copied());
    let short = SHORT_NAMES.iter().filter(|(of, _)| *of == name).map(|(_, short)| *short);
    std::iter::once(name).chain(others).chain(short).any(|phrase| has_phrase(&words, phrase))
}

/// Whether a text asks for another background as a whole.
pub(crate) fn changes_background(text: &str) -> bool {
    let words = words_of(text);
    let places = words.iter().enumerate().filter(|(_, word)| word.as_str() == "background");
    places.into_iter().any(|(place, _)| {
        let before = words[..place].iter().rev().find(|word| !BETWEEN.contains(&word.as_str()));
        before.is_some_and(|word| CHANGES.contains(&word.as_str()))
    })
}

fn words_of(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|character: char| !character.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn has_phrase(words: &[String], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    let Some((last, start)) = phrase.split_last() else { return false };
    words.windows(phrase.len()).any(|window| {
        window.iter().zip(start).all(|(word, wanted)| word == wanted)
            && window.last().is_some_and(|word| is_same_noun(word, last))
    })
}

/// The same word, or the plural of it.
fn is_same_noun(word: &str, noun: &str) -> bool {
    if word == noun
        || word.strip_suffix('s').is_some_and(|stem| stem == noun || stem.strip_suffix('e') == Some(noun))
    {
        return true;
    }
    // Puppies, knives, and skis of which one is named.
    let plural = |singular: &str, ending: &str| {
        noun.strip_suffix(singular).is_some_and(|stem| word.strip_prefix(stem) == Some(ending))
    };
    plural("y", "ies") || plural("fe", "ves") || plural("f", "ves") || (noun == "skis" && word == "ski")
}
