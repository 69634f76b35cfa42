//! The images of a study: which are real, which fake, and which cannot be used.

use imgeval_vision::DecodeLimits;

use super::{
    input::{Class, StudyImage},
    scoring::StudyFile,
};
use crate::{
    Event,
    collect::{ImageItem, Unused, examine_all, usable_images},
};

/// Folders by which benchmarks part their classes.
const REAL_FOLDERS: [&str; 3] = ["0_real", "real", "nature"];
const FAKE_FOLDERS: [&str; 3] = ["1_fake", "fake", "ai"];

/// Images of one class and one origin.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSet {
    pub class: Class,
    pub name: String,
    pub items: Vec<ImageItem>,
}

impl ImageSet {
    /// Of a place whose folders part the classes (`0_real` and `1_fake`, `real` and `fake`, or `nature` and `ai`, at any depth), only
    /// the images of this class; also says how many belong to the other.
    #[must_use]
    pub fn of_place(class: Class, name: &str, items: Vec<ImageItem>) -> (Self, usize) {
        let n_all = items.len();
        let is_parted = items.iter().any(|item| class_of(item).is_some());
        let items: Vec<ImageItem> =
            items.into_iter().filter(|item| !is_parted || class_of(item) == Some(class)).collect();
        let n_others = n_all - items.len();
        (Self { class, name: name.to_owned(), items }, n_others)
    }
}

/// The class that the nearest folder with one of the names says.
fn class_of(item: &ImageItem) -> Option<Class> {
    let folders: Vec<&str> = item.name.split(['/', '\\']).collect();
    let folders = folders.split_last().map_or(&[][..], |(_, folders)| folders);
    folders.iter().rev().find_map(|folder| {
        if REAL_FOLDERS.contains(folder) {
            return Some(Class::Real);
        }
        FAKE_FOLDERS.contains(folder).then_some(Class::Fake)
    })
}

/// The images of a study that can be read, and those that cannot.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered {
    pub files: Vec<StudyFile>,
    /// Each with its class, in the order of `files`.
    pub items: Vec<(Class, ImageItem)>,
    pub unused: Vec<Unused>,
}

/// Reads every image once. Images of one prompt or group are one cluster, and where none is known, those that look alike.
#[must_use]
pub fn gather(sets: &[ImageSet], limits: &DecodeLimits, events: &mut dyn FnMut(Event)) -> Gathered {
    let mut gathered = Gathered { files: Vec::new(), items: Vec::new(), unused: Vec::new() };
    for class in [Class::Real, Class::Fake] {
        let of_class = || sets.iter().filter(|set| set.class == class);
        let items: Vec<&ImageItem> = of_class().flat_map(|set| &set.items).collect();
        let names: Vec<&str> =
            of_class().flat_map(|set| set.items.iter().map(|_| set.name.as_str())).collect();
        let examined = examine_all(&format!("reading {} images", class.name()), &items, limits, events);
        let (usable, unused) = usable_images(&items, examined, None);
        gathered.unused.extend(unused);
        for (place, image) in usable {
            let cluster = image.group;
            gathered.items.push((class, items[place].clone()));
            gathered.files.push(StudyFile {
                path: image.path,
                image: StudyImage {
                    name: image.name,
                    class,
                    set: names[place].to_owned(),
                    cluster: format!("{} {cluster}", class.name()),
                    examined: image.examined,
                },
            });
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(names: &[&str]) -> Vec<ImageItem> {
        let item = |name: &&str| ImageItem { path: name.into(), name: (*name).to_owned(), group: None };
        names.iter().map(item).collect()
    }

    #[test]
    fn folders_that_part_the_classes_give_each_its_own() {
        let all =
            items(&["progan/cat/0_real/a.png", "progan/cat/1_fake/b.png", "readme.png", "ai/nature/c.png"]);
        let names = |class| -> Vec<String> {
            let (set, _) = ImageSet::of_place(class, "x", all.clone());
            set.items.into_iter().map(|item| item.name).collect()
        };
        assert_eq!(names(Class::Real), ["progan/cat/0_real/a.png", "ai/nature/c.png"]);
        assert_eq!(names(Class::Fake), ["progan/cat/1_fake/b.png"]);
        assert_eq!(ImageSet::of_place(Class::Fake, "x", all).1, 3);
        // A file's own name parts nothing.
        let plain = items(&["real.png", "photos/fake.png"]);
        assert_eq!(ImageSet::of_place(Class::Real, "x", plain.clone()).0.items, plain);
    }
}
