//! The images used by cases, as made by `scripts/reference/weakness_sources.py`.

/// A file by its name.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        pub(super) static FILES: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("sources/", $name)))),*];
    };
}

files![
    "astronaut-flag.png",
    "astronaut-tall.jpg",
    "astronaut.jpg",
    "brick.jpg",
    "camera-tower.png",
    "camera-wide.jpg",
    "camera.jpg",
    "cat-square.jpg",
    "cat.jpg",
    "coffee-spoon.png",
    "coffee-tall.jpg",
    "coffee-wide.jpg",
    "coffee.jpg",
    "galaxies-tall.jpg",
    "galaxies-wide.jpg",
    "galaxies.jpg",
    "grainy-camera-wide.jpg",
    "grainy-cat-square.jpg",
    "grainy-coffee-tall.jpg",
    "grainy-rocket-tall.jpg",
    "harbor-boat.png",
    "harbor-buoy.png",
    "harbor-sail.png",
    "harbor.jpg",
    "rocket-rocket.png",
    "rocket-tall.jpg",
    "rocket-wide.jpg",
    "rocket.jpg",
    "shelf-blue-book.png",
    "shelf-vase.png",
    "shelf.jpg",
    "soft-astronaut-tall.jpg",
    "soft-cat.jpg",
    "soft-coffee.jpg",
    "soft-rocket-wide.jpg",
    "street-car.png",
    "street-house.png",
    "street-sun.png",
    "street-tree.png",
    "street.jpg",
    "table-apple.png",
    "table-cup.png",
    "table-lamp.png",
    "table.jpg",
];
