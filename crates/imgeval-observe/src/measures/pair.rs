//! An edited image against its source, and against two controls made of the source: re-encoded, and scaled to the size of the
//! edited image and back.

use std::collections::BTreeMap;

use imgeval_core::{GrayPixels, Pixels};
use imgeval_metrics::{
    image::{ColorStatistics, Gray, Measured, Noise, Sharpness, Spectrum, edge_sigma, relative_blur},
    locality::{EditedRegion, Locality, measure_outside_mask},
    registration::{
        AlignedPair, IDENTITY_SIDE, Registration, Status, likeness_after, likeness_before, register,
        tile_survival,
    },
};
use imgeval_store::Measurement;
use imgeval_suites::checks::measures::{NO_PAIR, REGISTRATION};
use imgeval_vision::{
    image_file::{Subsampling, compressed},
    resample::pillow::resize_bicubic,
};

/// Quality of the control that is re-encoded, of JPEG on the Independent JPEG Group's scale.
const CONTROL_QUALITY: u8 = 90;
/// Blur is compared with this short side at most, as sessions are.
const BLUR_SIDE: u32 = 512;

/// An edited image with what it was made of.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    pub source: &'a Pixels,
    pub edited: &'a Pixels,
    /// White where the image was to be edited; it may have any size.
    pub mask: Option<&'a GrayPixels>,
}

/// Everything that is measured on a pair. Where it does not register, nothing that compares pixels is there, but why.
///
/// Names: `cut_off`, `stretch` and so on from the registration; `psnr` and `ssim` after it, `psnr_before` and `ssim_before`
/// without it; `content_de` and `tone_de` over the whole overlap, `found.*` outside the region that was found, `outside.*`
/// outside the mask; `blur_ratio` and so on as ratios of edited to source at one size; the same of a control after
/// `recoded.` and `resized.`.
#[must_use]
pub fn measure_pair(found: Measurement, pair: &Pair<'_>) -> Measurement {
    let mut details = Details::of(pair.source);
    let found = compare(found, "", pair, &mut details);
    let recoded = compressed(pair.source, CONTROL_QUALITY, Subsampling::Half);
    let found = match recoded {
        Ok(edited) => compare(found, "recoded.", &Pair { edited: &edited, ..*pair }, &mut details),
        Err(error) => found.with_word("recoded.pair", &error.to_string()),
    };
    let (width, height) = (pair.edited.width(), pair.edited.height());
    let there = resize_bicubic(pair.source, width, height);
    let back = resize_bicubic(&there, pair.source.width(), pair.source.height());
    compare(found, "resized.", &Pair { edited: &back, ..*pair }, &mut details)
}

fn compare(found: Measurement, prefix: &str, pair: &Pair<'_>, details: &mut Details<'_>) -> Measurement {
    let mut found = Found { measurement: found, prefix };
    let side = common_side(pair.source, pair.edited);
    found.blur(details.at(side), &Detail::of(&scaled(pair.edited, side)));
    let registration = match register(pair.source, pair.edited) {
        Ok(registration) => registration,
        Err(reason) => {
            found.say(NO_PAIR, &reason);
            found.shift_of_means(pair);
            return found.measurement;
        }
    };
    found.say(REGISTRATION, &registration.status.name());
    found.framing(&registration);
    found.likeness(pair, &registration);
    if registration.status == Status::Ok {
        found.changes(pair, &registration);
    } else {
        found.shift_of_means(pair);
    }
    found.measurement
}

struct Found<'a> {
    measurement: Measurement,
    prefix: &'a str,
}

impl Found<'_> {
    fn put(&mut self, name: &str, number: f64) {
        let measurement = std::mem::take(&mut self.measurement);
        self.measurement = measurement.with(&format!("{}{name}", self.prefix), number);
    }

    fn say(&mut self, name: &str, word: &dyn std::fmt::Display) {
        let measurement = std::mem::take(&mut self.measurement);
        self.measurement = measurement.with_word(&format!("{}{name}", self.prefix), &word.to_string());
    }

    fn measured<E: std::fmt::Display>(&mut self, name: &str, number: Result<f64, E>) {
        match number {
            Ok(number) => self.put(name, number),
            Err(reason) => self.say(name, &reason),
        }
    }

    fn framing(&mut self, registration: &Registration) {
        let framing = &registration.framing;
        for (name, number) in [
            ("cut_off", framing.cut_off),
            ("new_share", framing.new_share),
            ("zoom", framing.zoom),
            ("stretch", framing.stretch),
            ("overlap", registration.overlap),
            ("search_score", registration.search_score),
        ] {
            // Of a failed registration nothing is known but its score.
            if registration.status != Status::Failed || name == "search_score" {
                self.put(name, number);
            }
        }
        self.put("aspect_change", framing.aspect_change);
    }

    fn likeness(&mut self, pair: &Pair<'_>, registration: &Registration) {
        match likeness_before(pair.source, pair.edited) {
            Ok(likeness) => {
                self.put("psnr_before", likeness.psnr);
                self.put("ssim_before", likeness.ssim);
            }
            Err(reason) => self.say("psnr_before", &reason),
        }
        match likeness_after(pair.source, pair.edited, registration) {
            Ok(aligned) => {
                self.put("psnr", aligned.likeness.psnr);
                self.put("ssim", aligned.likeness.ssim);
            }
            Err(reason) => self.say("psnr", &reason),
        }
        let tiles = tile_survival(pair.source, pair.edited, registration);
        match tiles.survival {
            Some(share) => self.put("survival", share),
            None => self.say("survival", &"no tile of the source has enough detail"),
        }
    }

    /// Tone and content after registration.
    fn changes(&mut self, pair: &Pair<'_>, registration: &Registration) {
        let aligned = AlignedPair::new(pair.source, pair.edited, &registration.alignment, IDENTITY_SIDE);
        match GrayPixels::new(1, 1, vec![0]).map(|nothing| measure_outside_mask(&aligned, &nothing)) {
            Some(Ok(whole)) => {
                self.locality("", &whole);
                let [l, a, b] = whole.mean_shift_lab;
                self.put("shift_l", l);
                self.put("shift_a", a);
                self.put("shift_b", b);
            }
            Some(Err(reason)) => self.say("content_de", &reason),
            None => {}
        }
        match EditedRegion::find(&aligned) {
            Ok(region) => {
                self.put("edited_share", region.edited_share);
                match region.measure_outside(&aligned) {
                    Ok(outside) => self.locality("found.", &outside),
                    Err(reason) => self.say("found.content_de", &reason),
                }
            }
            Err(reason) => self.say("edited_share", &reason),
        }
        if let Some(mask) = pair.mask {
            match measure_outside_mask(&aligned, mask) {
                Ok(outside) => self.locality("outside.", &outside),
                Err(reason) => self.say("outside.content_de", &reason),
            }
        }
    }

    fn locality(&mut self, place: &str, of: &Locality) {
        self.put(&format!("{place}tone_de"), of.tone_de);
        self.put(&format!("{place}content_de"), of.content_de);
        self.put(&format!("{place}total_de"), of.total_de);
    }

    /// Of images that do not register: the difference of their mean colors.
    fn shift_of_means(&mut self, pair: &Pair<'_>) {
        let (source, edited) = (mean_lab(pair.source), mean_lab(pair.edited));
        for (place, name) in ["shift_l", "shift_a", "shift_b"].into_iter().enumerate() {
            self.put(name, edited[place] - source[place]);
        }
    }

    /// Blur, sharpness and spectrum at one size.
    fn blur(&mut self, source: &Detail, edited: &Detail) {
        match (&source.edge_sigma, &edited.edge_sigma) {
            (Ok(of_source), Ok(of_edited)) if *of_source > 0.0 => {
                self.put("source_edge_sigma", *of_source);
                self.put("blur_ratio", of_edited / of_source);
            }
            (Ok(_), Ok(_)) => self.say("blur_ratio", &"the edges of the source have no width"),
            (Err(reason), _) | (_, Err(reason)) => self.say("blur_ratio", reason),
        }
        if let (Ok(of_source), Ok(of_edited)) = (&source.sharpness, &edited.sharpness)
            && of_source.lap_var > 0.0
        {
            self.put("lap_var_ratio", of_edited.lap_var / of_source.lap_var);
        }
        if let (Ok(of_source), Ok(of_edited)) = (&source.noise, &edited.noise)
            && of_source.immerkaer > 0.0
        {
            self.put("noise_ratio", of_edited.immerkaer / of_source.immerkaer);
        }
        if let (Ok(of_source), Ok(of_edited)) = (&source.spectrum, &edited.spectrum) {
            if of_source.hf_share_quarter > 0.0 {
                self.put("hf_share_ratio", of_edited.hf_share_quarter / of_source.hf_share_quarter);
            }
            self.measured("rel_sigma2", relative_blur(of_source, of_edited).map(|blur| blur.sigma2));
        }
    }
}

/// What is compared at one size.
struct Detail {
    edge_sigma: Measured<f64>,
    sharpness: Measured<Sharpness>,
    noise: Measured<Noise>,
    spectrum: Measured<Spectrum>,
}

impl Detail {
    fn of(pixels: &Pixels) -> Self {
        let gray = Gray::of(pixels);
        Self {
            edge_sigma: edge_sigma(&gray),
            sharpness: Sharpness::of(&gray),
            noise: Noise::of(&gray),
            spectrum: Spectrum::of(&gray),
        }
    }
}

/// The detail of a source by the short side at which it is compared, which is nearly always the same.
struct Details<'a> {
    source: &'a Pixels,
    by_side: BTreeMap<u32, Detail>,
}

impl<'a> Details<'a> {
    fn of(source: &'a Pixels) -> Self {
        Self { source, by_side: BTreeMap::new() }
    }

    fn at(&mut self, side: u32) -> &Detail {
        self.by_side.entry(side).or_insert_with(|| Detail::of(&scaled(self.source, side)))
    }
}

/// Both with the short side at which blur is compared.
pub(crate) fn at_one_size(source: &Pixels, edited: &Pixels) -> (Pixels, Pixels) {
    let side = common_side(source, edited);
    (scaled(source, side), scaled(edited, side))
}

fn common_side(source: &Pixels, edited: &Pixels) -> u32 {
    let short = |pixels: &Pixels| pixels.width().min(pixels.height());
    short(source).min(short(edited)).min(BLUR_SIDE)
}

/// Mean L, a and b.
#[must_use]
pub fn mean_lab(pixels: &Pixels) -> [f64; 3] {
    ColorStatistics::of(pixels, &Gray::of(pixels)).mean_lab
}

/// With this short side, unless it is shorter.
fn scaled(pixels: &Pixels, side: u32) -> Pixels {
    let (width, height) = (pixels.width(), pixels.height());
    let short = width.min(height);
    if short <= side {
        return pixels.clone();
    }
    let long = |of: u32| (u64::from(of) * u64::from(side) * 2 + u64::from(short)) / (2 * u64::from(short));
    let (width, height) = match width <= height {
        true => (side, long(height) as u32),
        false => (long(width) as u32, side),
    };
    resize_bicubic(pixels, width, height)
}
