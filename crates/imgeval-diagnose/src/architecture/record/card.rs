//! The card of a probe as files of format 1 and reports hold it. The order of the fields is the order in which they are written.
//!
//! The shape of a network and the record of its training are written by `imgeval_vision::train`, whose own checkpoints hold them too.

use imgeval_vision::train::{EpochRecord, Framing, NetworkDescription};
use serde::{Deserialize, Serialize};

use super::held::{Held, code_record, record};
use crate::{
    Measured,
    alike::{Degradation, JpegStep, Plan, Sizing, Subsampling},
    architecture::{
        data::{Fact, FactProfile, Profile, Shares, ValueShare},
        learn::{EmbedderCard, ProbeKind},
        probe::{GeneratorCard, ProbeCard},
        trust::{
            Controls, DecoderControl, DecoderSignature, Evaluation, LatticePeak, LeaveOneOut,
            RobustnessPoint, Separation, ShuffleControl,
        },
    },
    collect::UnusedCount,
};

record!(
    /// Everything about a probe but its numbers.
    pub ProbeCardRecord of ProbeCard {
        kind: KindRecord,
        tool_version: String,
        classes: Vec<String>,
        plan: PlanRecord,
        plan_notes: Vec<String>,
        seed: u64,
        shares: SharesRecord,
        generators: Vec<GeneratorRecord>,
        n_known_groups: usize,
        unused: Vec<UnusedRecord>,
        profile: ProfileRecord,
        evaluation: EvaluationRecord,
        controls: ControlsRecord,
        outside_threshold: Option<f64>,
        signatures: Vec<SignatureRecord>,
        embedder: Option<EmbedderRecord>,
        network: Option<NetworkDescription>,
        epochs: Vec<EpochRecord>,
    }
);

code_record!(KindRecord of ProbeKind { Spectrum, ClipLinear, Clip, Residual, });

record!(
    /// The preparation applied to every image before a probe sees it.
    pub PlanRecord of Plan { side: u32, sizing: SizingRecord, jpeg: Option<JpegRecord>, }
);

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum SizingRecord {
    CentreCrop,
    DrawnCrop { seed: u64 },
    Scaled,
}

impl Held<Sizing> for SizingRecord {
    fn hold(value: Sizing) -> Self {
        match value {
            Sizing::CentreCrop => Self::CentreCrop,
            Sizing::DrawnCrop { seed } => Self::DrawnCrop { seed },
            Sizing::Scaled => Self::Scaled,
        }
    }

    fn release(self) -> Sizing {
        match self {
            Self::CentreCrop => Sizing::CentreCrop,
            Self::DrawnCrop { seed } => Sizing::DrawnCrop { seed },
            Self::Scaled => Sizing::Scaled,
        }
    }
}

record!(JpegRecord of JpegStep { quality: u8, subsampling: SubsamplingRecord, });

code_record!(SubsamplingRecord of Subsampling { None, Half, });

record!(SharesRecord of Shares { validation: f64, test: f64, });

record!(
    GeneratorRecord of GeneratorCard {
        class: usize,
        name: String,
        n_images: usize,
        n_groups: usize,
        n_hidden_grid: usize,
        n_training: usize,
        n_validation: usize,
        n_test: usize,
    }
);

record!(UnusedRecord of UnusedCount { reason: String, count: usize, });

record!(ProfileRecord of Profile { facts: Vec<FactRecord>, warnings: Vec<String>, });

record!(
    FactRecord of FactProfile {
        fact: FactName,
        values: Vec<Vec<ValueRecord>>,
        balanced_accuracy: MeasuredRecord,
        chance: f64,
        separates: bool,
    }
);

code_record!(
    FactName of Fact {
        Format,
        Size,
        Aspect,
        QuantisationTables,
        Subsampling,
        Channels,
        ColorProfile,
        Metadata,
        BytesPerPixel,
    }
);

record!(ValueRecord of ValueShare { value: String, share: f64, });

record!(
    /// A value with its 95 % interval.
    pub(super) MeasuredRecord of Measured { value: f64, low: f64, high: f64, n_groups: usize, n_images: usize, }
);

record!(
    EvaluationRecord of Evaluation {
        separation: SeparationRecord,
        temperature: f64,
        calibration_error_before: f64,
        calibration_error: f64,
        brier_before: f64,
        brier: f64,
        histograms: Vec<[usize; 10]>,
        outside_share: Option<f64>,
    }
);

record!(
    SeparationRecord of Separation {
        accuracy: MeasuredRecord,
        balanced_accuracy: MeasuredRecord,
        auc: MeasuredRecord,
    }
);

record!(
    ControlsRecord of Controls {
        shuffle: ShuffleRecord,
        leave_one_out: Vec<LeaveOneOutRecord>,
        decoders: Vec<DecoderRecord>,
        robustness: Vec<RobustnessRecord>,
    }
);

record!(ShuffleRecord of ShuffleControl { aucs: Vec<MeasuredRecord>, mean: f64, low: f64, high: f64, });

record!(
    LeaveOneOutRecord of LeaveOneOut {
        class: String,
        generator: String,
        recognised: MeasuredRecord,
        auc: MeasuredRecord,
    }
);

record!(
    DecoderRecord of DecoderControl {
        name: String,
        shares: Vec<MeasuredRecord>,
        outside: Option<MeasuredRecord>,
        n_unused: usize,
    }
);

record!(RobustnessRecord of RobustnessPoint { degradation: DegradationRecord, separation: SeparationRecord, });

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum DegradationRecord {
    Jpeg { quality: u8 },
    Rescaled { share: f64 },
    Blurred { sigma: f64 },
}

impl Held<Degradation> for DegradationRecord {
    fn hold(value: Degradation) -> Self {
        match value {
            Degradation::Jpeg { quality } => Self::Jpeg { quality },
            Degradation::Rescaled { share } => Self::Rescaled { share },
            Degradation::Blurred { sigma } => Self::Blurred { sigma },
        }
    }

    fn release(self) -> Degradation {
        match self {
            Self::Jpeg { quality } => Degradation::Jpeg { quality },
            Self::Rescaled { share } => Degradation::Rescaled { share },
            Self::Blurred { sigma } => Degradation::Blurred { sigma },
        }
    }
}

record!(
    /// What a decoder leaves in the mean over images.
    pub SignatureRecord of DecoderSignature {
        name: String,
        n_images: usize,
        frequencies: Vec<f64>,
        spectrum: Vec<f64>,
        residual_spectrum: Vec<f64>,
        radial: Vec<f64>,
        angular: Vec<f64>,
        peaks: Vec<PeakRecord>,
        autocorrelation: Vec<f64>,
    }
);

record!(PeakRecord of LatticePeak { period: usize, score: f64, });

record!(EmbedderRecord of EmbedderCard { identity: String, framing: Framing, });

impl From<&ProbeCard> for ProbeCardRecord {
    fn from(card: &ProbeCard) -> Self {
        Self::hold(card.clone())
    }
}

impl From<ProbeCardRecord> for ProbeCard {
    fn from(record: ProbeCardRecord) -> Self {
        record.release()
    }
}

impl From<&Plan> for PlanRecord {
    fn from(plan: &Plan) -> Self {
        Self::hold(plan.clone())
    }
}

impl From<Measured> for MeasuredRecord {
    fn from(measured: Measured) -> Self {
        Self::hold(measured)
    }
}

impl From<&DecoderSignature> for SignatureRecord {
    fn from(signature: &DecoderSignature) -> Self {
        Self::hold(signature.clone())
    }
}

#[cfg(test)]
mod tests {
    use imgeval_core::json::from_json_str;

    use super::*;

    /// Put together from headers that were written while the card itself was the file's format; long lists are cut.
    const CARD: &str = include_str!("../../../tests/fixtures/probe_card_1.json");

    #[test]
    fn cards_written_before_are_read_and_written_to_the_byte() {
        let record: ProbeCardRecord = from_json_str(CARD).unwrap();
        let card = ProbeCard::from(record);
        assert!(
            card.embedder.is_some() && card.network.is_some() && card.controls.decoders[0].outside.is_some()
        );
        assert_eq!(serde_json::to_string(&ProbeCardRecord::from(&card)).unwrap(), CARD.trim_end());
    }

    #[test]
    fn unknown_fields_are_refused() {
        let changed = CARD.replacen("{\"kind\"", "{\"more\":1,\"kind\"", 1);
        assert!(
            from_json_str::<ProbeCardRecord>(&changed).unwrap_err().to_string().contains("unknown field")
        );
    }
}
