//! A control made here: the source encoded and decoded as often as there are rounds, as the model delivers.

use imgeval_core::{ImageFormat, Pixels};
use imgeval_diagnose::collect::parse_file_facts;
use imgeval_vision::image_file::{Subsampling, encode, encode_jpeg};

use crate::{
    Delivered, ImagePlace, Session,
    session::{decode, pixels_of},
};

/// What the control is called among models.
pub const CODEC_CONTROL: &str = "codec loop";

/// For each session by its first model, the source encoded and decoded over and over in the format in which that model delivers its
/// images, JPEG with its quality and subsampling: nothing but the codec changes them. Sessions that cannot be read, and
/// those in lossy WebP, have no control.
#[must_use]
pub fn codec_sessions(sessions: &[Session]) -> Vec<Session> {
    let mut seen: Vec<&str> = Vec::new();
    let mut controls = Vec::new();
    for session in sessions.iter().filter(|session| !session.is_control && session.repeats.is_none()) {
        if seen.contains(&session.id.as_str()) {
            continue;
        }
        if let Some(control) = codec_session(session) {
            seen.push(&session.id);
            controls.push(control);
        }
    }
    controls
}

fn codec_session(session: &Session) -> Option<Session> {
    let codec = session.rounds.iter().find_map(|round| match round {
        Delivered::Image(place) => Codec::of(&place.read().ok()?),
        Delivered::Refused(_) | Delivered::Missing(_) => None,
    })?;
    let mut pixels: Pixels = pixels_of(&session.source.read().ok()?).ok()?;
    let mut rounds = Vec::new();
    for _ in &session.rounds {
        let bytes = codec.encode(&pixels)?;
        pixels = pixels_of(&bytes).ok()?;
        rounds.push(Delivered::Image(ImagePlace::Bytes(bytes)));
    }
    Some(Session {
        model: CODEC_CONTROL.to_owned(),
        rounds,
        is_control: true,
        judged: None,
        ..session.clone()
    })
}

/// How a model's files are encoded.
enum Codec {
    /// PNG and lossless WebP, and what is only read.
    Lossless,
    LossyWebP,
    Jpeg {
        quality: u8,
        subsampling: Subsampling,
    },
}

impl Codec {
    fn of(bytes: &[u8]) -> Option<Self> {
        let facts = parse_file_facts(decode(bytes).ok()?.format, bytes);
        Some(match facts.jpeg {
            Some(jpeg) => {
                let is_halved = jpeg.subsampling == "4:2:0";
                let subsampling = if is_halved { Subsampling::Half } else { Subsampling::None };
                Self::Jpeg { quality: jpeg.quality, subsampling }
            }
            None if facts.is_lossy_webp => Self::LossyWebP,
            None => Self::Lossless,
        })
    }

    /// `None` where there is no encoder for it here.
    fn encode(&self, pixels: &Pixels) -> Option<Vec<u8>> {
        match self {
            Self::Lossless => encode(pixels, ImageFormat::Png).ok(),
            Self::LossyWebP => None,
            Self::Jpeg { quality, subsampling } => encode_jpeg(pixels, *quality, *subsampling).ok(),
        }
    }
}
