//! Numbers by the names that reports and files give them.

use super::{Decomposition, NotCompared, RoundMeasures, SharpnessRatios, Trends};
use crate::{image::ColorShift, locality::Locality, registration::Status};

/// A name, and a value or the reason why there is none.
type Named = (&'static str, Result<f64, String>);

fn value<E: ToString>(number: Result<f64, E>) -> Result<f64, String> {
    number.map_err(|reason| reason.to_string())
}

fn field<T, E: ToString>(found: &Result<T, E>, get: impl Fn(&T) -> f64) -> Result<f64, String> {
    found.as_ref().map(get).map_err(ToString::to_string)
}

impl RoundMeasures {
    /// Every number by its name: `l1`, `colour.dL`, `sharp.lap_var_ratio`, `registration.cut_off`, `tiles.survival`, `unedited.tone_dE`,
    /// `drift.geometry` and so on, in a fixed order.
    #[must_use]
    pub fn numbers(&self) -> Vec<Named> {
        let pixels = &self.pixels;
        let mut numbers = vec![
            ("l1", field(pixels, |pixels| pixels.distance.mean_absolute)),
            ("l2", field(pixels, |pixels| pixels.distance.mean_squared)),
            ("psnr", field(pixels, |pixels| pixels.psnr)),
            ("ssim", field(pixels, |pixels| pixels.ssim)),
        ];
        numbers.extend(colors(&self.color));
        numbers.extend(ratios(&self.sharpness));
        numbers.extend([
            ("sharp.spectrum.rms_db", field(&self.spectrum, |drift| drift.rms_db)),
            ("sharp.spectrum.low_db", field(&self.spectrum, |drift| drift.low_db)),
            ("sharp.spectrum.mid_db", field(&self.spectrum, |drift| drift.mid_db)),
            ("sharp.spectrum.high_db", field(&self.spectrum, |drift| drift.high_db)),
            ("sharp.rel_sigma2", field(&self.blur, |blur| blur.sigma2)),
            ("sharp.rel_fmax", field(&self.blur, |blur| blur.highest_frequency)),
        ]);
        numbers.extend(self.framing());
        let tiles = |number: Option<f64>, reason: &str| number.ok_or_else(|| reason.to_owned());
        const NONE_JUDGED: &str = "no tile of the reference has enough detail";
        numbers.extend([
            ("tiles.judged", Ok(self.tiles.judged as f64)),
            ("tiles.survival", tiles(self.tiles.survival, NONE_JUDGED)),
            ("tiles.median_displacement", tiles(self.tiles.median_displacement, "no tile was found again")),
            ("tiles.median_ncc", tiles(self.tiles.median_ncc, NONE_JUDGED)),
            ("unedited.edited_share", field(&self.region, |region| region.edited_share)),
            ("unedited.threshold", field(&self.region, |region| region.threshold)),
        ]);
        numbers.extend(locality(&self.unedited));
        numbers.extend(self.decomposition.numbers());
        numbers
    }

    fn framing(&self) -> Vec<Named> {
        let mut numbers = vec![
            ("registration.ncc_all", field(&self.registration, |found| found.ncc_all)),
            ("registration.search_score", field(&self.registration, |found| found.search_score)),
        ];
        let known = match &self.registration {
            Ok(found) if found.status != Status::Failed => Ok(found.framing),
            Ok(_) => Err("registration failed, so the framing is unknown".to_owned()),
            Err(reason) => Err(reason.to_string()),
        };
        numbers.extend([
            ("registration.cut_off", field(&known, |frame| frame.cut_off)),
            ("registration.new_share", field(&known, |frame| frame.new_share)),
            ("registration.cut_left", field(&known, |frame| frame.cut[0])),
            ("registration.cut_top", field(&known, |frame| frame.cut[1])),
            ("registration.cut_right", field(&known, |frame| frame.cut[2])),
            ("registration.cut_bottom", field(&known, |frame| frame.cut[3])),
            ("registration.zoom", field(&known, |frame| frame.zoom)),
            ("registration.stretch", field(&known, |frame| frame.stretch)),
            ("registration.aspect_change", field(&self.registration, |found| found.framing.aspect_change)),
        ]);
        numbers
    }
}

fn colors(color: &ColorShift) -> Vec<Named> {
    let echo = |channel: usize| value(color.echo_rgb.map(|shift| shift[channel]));
    vec![
        ("colour.dL", Ok(color.lab[0])),
        ("colour.da", Ok(color.lab[1])),
        ("colour.db", Ok(color.lab[2])),
        ("colour.dE_mean", Ok(color.mean_delta_e)),
        ("colour.dab", Ok(color.ab)),
        ("colour.dchroma", Ok(color.chroma)),
        ("colour.dsaturation", Ok(color.saturation)),
        ("colour.contrast_ratio", value(color.contrast_ratio)),
        ("colour.l_range_diff", Ok(color.l_range)),
        ("colour.echo_shift_r", echo(0)),
        ("colour.echo_shift_g", echo(1)),
        ("colour.echo_shift_b", echo(2)),
        ("colour.echo_shift_magnitude", value(color.echo_magnitude())),
        ("colour.hist_l1", value(color.histogram_distance)),
    ]
}

fn ratios(ratios: &SharpnessRatios) -> Vec<Named> {
    vec![
        ("sharp.lap_var_ratio", value(ratios.lap_var)),
        ("sharp.tenengrad_ratio", value(ratios.tenengrad)),
        ("sharp.immerkaer_ratio", value(ratios.immerkaer)),
        ("sharp.haar_mad_ratio", value(ratios.haar_mad)),
        ("sharp.db2_mad_ratio", value(ratios.db2_mad)),
        ("sharp.hf_share_quarter_ratio", value(ratios.hf_share_quarter)),
        ("sharp.hf_share_eighth_ratio", value(ratios.hf_share_eighth)),
    ]
}

fn locality(found: &Result<Locality, NotCompared>) -> Vec<Named> {
    vec![
        ("unedited.outside_share", field(found, |found| found.outside_share)),
        ("unedited.total_dE", field(found, |found| found.total_de)),
        ("unedited.tone_dE", field(found, |found| found.tone_de)),
        ("unedited.content_dE", field(found, |found| found.content_de)),
        ("unedited.content_p95", field(found, |found| found.content_p95)),
        ("unedited.mean_shift_L", field(found, |found| found.mean_shift_lab[0])),
        ("unedited.mean_shift_a", field(found, |found| found.mean_shift_lab[1])),
        ("unedited.mean_shift_b", field(found, |found| found.mean_shift_lab[2])),
    ]
}

impl Decomposition {
    /// Every component by its name, after `drift.`.
    #[must_use]
    pub fn numbers(&self) -> Vec<Named> {
        vec![
            ("drift.geometry", field(&self.geometry, |geometry| geometry.share)),
            ("drift.log2_zoom", field(&self.geometry, |geometry| geometry.log2_zoom)),
            ("drift.tone", field(&self.tone, |tone| tone.de)),
            ("drift.sharpness", field(&self.sharpness, |ratio| *ratio)),
            ("drift.content", field(&self.content, |content| *content)),
            ("drift.residual", field(&self.residual, |residual| *residual)),
            ("drift.codec", self.codec.ok_or_else(|| "there is no codec control".to_owned())),
        ]
    }
}

impl Trends {
    /// Every slope by its name.
    #[must_use]
    pub fn numbers(&self) -> [(&'static str, Option<f64>); 7] {
        [
            ("dE_mean", self.mean_delta_e),
            ("db", self.b),
            ("log2_lap_var", self.log2_lap_var),
            ("log2_noise", self.log2_noise),
            ("survival", self.survival),
            ("cut_off", self.cut_off),
            ("unedited_content", self.unedited_content),
        ]
    }
}
