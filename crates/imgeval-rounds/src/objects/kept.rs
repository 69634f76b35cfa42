//! The same places of two registered images.

use std::ops::Range;

use imgeval_core::Pixels;
use imgeval_metrics::{
    consistency::{Background, FrameBox, PixelBox, Tokens, background_similarity, box_l1, object_similarity},
    registration::{AlignedPair, Alignment, IDENTITY_SIDE, NotRegistrable, Registration, Status},
};

use super::{
    FoundObject,
    naming::{changes_background, names_category},
};
use crate::{
    MeasuredObject,
    measure::Instruments,
    networks::{Numbers, said},
};

/// Pixels on a side of what DINO sees.
const DINO_INPUT: usize = 224;
/// An object counts where so much of its box lies in the frame that both images share.
const LEAST_INSIDE: f64 = 0.5;
/// Of more objects those with the highest scores are compared.
const MOST_OBJECTS: usize = 16;

/// Names of the numbers.
const OBJECTS_DINO: &str = "objects.dino";
const OBJECTS_L1: &str = "objects.l1";
const BACKGROUND_DINO: &str = "background.dino";
const BACKGROUND_L1: &str = "background.l1";
const CONSISTENCY: &str = "consistency";
const ALL: [&str; 5] = [OBJECTS_DINO, OBJECTS_L1, BACKGROUND_DINO, BACKGROUND_L1, CONSISTENCY];

/// Whether a number of this name is about objects or background.
pub(crate) fn is_of_objects(name: &str) -> bool {
    ALL.contains(&name)
}

/// What a round kept.
#[derive(Debug, Default)]
pub(crate) struct KeptObjects {
    /// Means over objects, and the background's numbers.
    pub(crate) numbers: Numbers,
    pub(crate) objects: Vec<MeasuredObject>,
}

/// Compares source and image, given in this order. `instructions` are those of all rounds up to this one. Numbers that cannot be measured have a reason
/// instead.
pub(crate) fn kept_objects(
    instruments: Instruments<'_>,
    instructions: &[String],
    [source, image]: [&Pixels; 2],
    registration: &Result<Registration, NotRegistrable>,
    source_objects: &Result<Vec<FoundObject>, String>,
) -> KeptObjects {
    let found = pair_of(instruments, instructions, [source, image], registration, source_objects);
    match found {
        Ok((frame, unnamed, all)) => compare(instruments, &frame, &unnamed, &all),
        Err(reason) => {
            let numbers = ALL.map(|name| (name, Err(reason.clone())));
            KeptObjects { numbers: numbers.into(), objects: Vec::new() }
        }
    }
}

type Found<'a> = (SharedFrame, Vec<&'a FoundObject>, Vec<FrameBox>);

/// The frame that both share, the objects of the source that no instruction names, and the boxes of everything in both images, in shares of the source.
fn pair_of<'a>(
    instruments: Instruments<'_>,
    instructions: &[String],
    [source, image]: [&Pixels; 2],
    registration: &Result<Registration, NotRegistrable>,
    source_objects: &'a Result<Vec<FoundObject>, String>,
) -> Result<Found<'a>, String> {
    let registration = registration.as_ref().map_err(said)?;
    if registration.status != Status::Ok {
        return Err(format!("the registration with the source is {}", registration.status.name()));
    }
    if let Some(place) = instructions.iter().position(|text| changes_background(text)) {
        return Err(format!("round {} asks for another background", place + 1));
    }
    let in_source = source_objects.as_ref().map_err(|problem| format!("the detector failed: {problem}"))?;
    let in_image =
        instruments.objects.find(image).map_err(|problem| format!("the detector failed: {problem}"))?;
    let alignment = &registration.alignment;
    let frame =
        SharedFrame::of(source, image, alignment).ok_or("the frames of the images overlap too little")?;
    let is_named = |found: &FoundObject| instructions.iter().any(|text| names_category(text, found.category));
    let unnamed = in_source.iter().filter(|found| !is_named(found)).take(MOST_OBJECTS).collect();
    let all = in_source
        .iter()
        .map(|found| found.region)
        .chain(in_image.iter().map(|found| in_source_of(&found.region, alignment)));
    Ok((frame, unnamed, all.collect()))
}

fn compare(
    instruments: Instruments<'_>,
    frame: &SharedFrame,
    unnamed: &[&FoundObject],
    all: &[FrameBox],
) -> KeptObjects {
    let networks = instruments.networks;
    let objects: Vec<MeasuredObject> =
        unnamed.iter().map(|found| object_of(instruments, frame, found)).collect();
    let mean = |of: fn(&MeasuredObject) -> Option<f64>| {
        let values: Vec<f64> = objects.iter().filter_map(of).collect();
        match (values.is_empty(), objects.iter().find(|object| !object.problem.is_empty())) {
            (false, _) => Ok(values.iter().sum::<f64>() / values.len() as f64),
            (true, Some(object)) => Err(object.problem.clone()),
            (true, None) => Err("the detector finds no object that the instructions leave alone".to_owned()),
        }
    };
    let boxes: Vec<FrameBox> = all.iter().map(|one| frame.shares_of(one)).collect();
    let (width, height) = (frame.source.width() as usize, frame.source.height() as usize);
    let background =
        Background::outside(width, height, &boxes).ok_or_else(|| "the images do not overlap".to_owned());
    let background_l1 = background.clone().and_then(|of| of.l1(&frame.source, &frame.image).map_err(said));
    let background_dino = background_l1.clone().and(background).and_then(|of| {
        let tokens = [networks.dino_tokens(&frame.source)?, networks.dino_tokens(&frame.image)?];
        let [one, other] = tokens.each_ref().map(|of| Tokens::new(&of.tokens, of.width));
        let (one, other) = one.zip(other).ok_or("DINO has no patches of the image")?;
        background_similarity(&one, &other, &of, DINO_INPUT).map_err(said)
    });
    let objects_dino = mean(|object| object.dino);
    let both = objects_dino.clone().and_then(|objects| Ok(0.5 * objects + 0.5 * background_dino.clone()?));
    let numbers = [
        (OBJECTS_L1, mean(|object| object.l1)),
        (OBJECTS_DINO, objects_dino),
        (BACKGROUND_L1, background_l1),
        (BACKGROUND_DINO, background_dino),
        (CONSISTENCY, both),
    ];
    KeptObjects { numbers: numbers.into(), objects }
}

fn object_of(instruments: Instruments<'_>, frame: &SharedFrame, found: &FoundObject) -> MeasuredObject {
    let FrameBox { left, top, right, bottom } = found.region;
    let mut object = MeasuredObject {
        name: found.category.name().to_owned(),
        score: found.score,
        region: [left, top, right, bottom],
        ..MeasuredObject::default()
    };
    let place = frame.shares_of(&found.region);
    // A detector's box may reach beyond its image, which is no fault of the round.
    let shown = [left, top, right, bottom].map(|edge| edge.clamp(0.0, 1.0));
    if share_inside(&frame.shares_of(&FrameBox::of(shown))) < LEAST_INSIDE {
        object.problem = "most of it is outside the frame of the round".to_owned();
        return object;
    }
    let (l1, dino) = match box_l1(&frame.source, &frame.image, &place) {
        Ok(l1) => (Ok(l1), similarity(instruments, frame, &place)),
        Err(reason) => (Err(said(reason)), Err(said(reason))),
    };
    object.problem = l1.as_ref().err().or(dino.as_ref().err()).cloned().unwrap_or_default();
    (object.l1, object.dino) = (l1.ok(), dino.ok());
    object
}

fn similarity(instruments: Instruments<'_>, frame: &SharedFrame, place: &FrameBox) -> Result<f64, String> {
    let inside = place.pixels(frame.source.width() as usize, frame.source.height() as usize).map_err(said)?;
    let tokens = |pixels: &Pixels| {
        let crop = inside.cut_out(pixels).ok_or("the box contains no pixels")?;
        instruments.networks.dino_tokens(&crop)
    };
    let (one, other) = (tokens(&frame.source)?, tokens(&frame.image)?);
    let pair = Tokens::new(&one.tokens, one.width).zip(Tokens::new(&other.tokens, other.width));
    let (one, other) = pair.ok_or("DINO has no patches of the object")?;
    object_similarity(&one, &other).map_err(said)
}

/// A box of the image in shares of the source.
fn in_source_of(region: &FrameBox, Alignment { a, b }: &Alignment) -> FrameBox {
    FrameBox {
        left: b[0] + a[0] * region.left,
        top: b[1] + a[1] * region.top,
        right: b[0] + a[0] * region.right,
        bottom: b[1] + a[1] * region.bottom,
    }
}

/// How much of a box lies in the frame, by area.
fn share_inside(FrameBox { left, top, right, bottom }: &FrameBox) -> f64 {
    let length =
        |start: f64, end: f64| (end.clamp(0.0, 1.0) - start.clamp(0.0, 1.0)) / (end - start).max(1e-12);
    length(*left, *right) * length(*top, *bottom)
}

/// What both images show, on the same pixels.
struct SharedFrame {
    source: Pixels,
    image: Pixels,
    /// Left, top, right and bottom in shares of the source.
    edges: [f64; 4],
}

impl SharedFrame {
    /// On the source's pixels with a long side of at most 512; `None` if nothing is shared.
    fn of(source: &Pixels, image: &Pixels, alignment: &Alignment) -> Option<Self> {
        let pair = AlignedPair::new(source, image, alignment, IDENTITY_SIDE);
        let (width, height) = (pair.width(), pair.height());
        let is_inside = pair.is_inside();
        let span = |n: usize, is_lit: &dyn Fn(usize) -> bool| -> Option<Range<usize>> {
            let first = (0..n).find(|place| is_lit(*place))?;
            let last = (0..n).rev().find(|place| is_lit(*place))?;
            Some(first..last + 1)
        };
        // A rectangle, because frames are scaled and shifted alone.
        let rows = span(height, &|row| is_inside[row * width..][..width].contains(&true))?;
        let columns = span(width, &|column| is_inside[rows.start * width + column])?;
        let shared = PixelBox { columns: columns.clone(), rows: rows.clone() };
        let aligned = Pixels::new(pair.source().width(), pair.source().height(), pair.rounded())?;
        let share = |place: usize, n: usize| place as f64 / n as f64;
        Some(Self {
            source: shared.cut_out(pair.source())?,
            image: shared.cut_out(&aligned)?,
            edges: [
                share(columns.start, width),
                share(rows.start, height),
                share(columns.end, width),
                share(rows.end, height),
            ],
        })
    }

    /// A box in shares of the source, in shares of this frame.
    fn shares_of(&self, region: &FrameBox) -> FrameBox {
        let [left, top, right, bottom] = self.edges;
        let (x, y) = (|edge: f64| (edge - left) / (right - left), |edge: f64| (edge - top) / (bottom - top));
        FrameBox {
            left: x(region.left),
            top: y(region.top),
            right: x(region.right),
            bottom: y(region.bottom),
        }
    }
}
