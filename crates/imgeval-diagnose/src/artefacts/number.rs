//! The numbers: their names, and what each one is.

/// What is measured. All but the last two are measured on each image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Number {
    SpectrumLow,
    SpectrumMiddle,
    SpectrumHigh,
    Lattice2,
    Lattice4,
    Lattice8,
    Lattice16,
    Checkerboard2,
    Checkerboard4,
    Checkerboard8,
    JpegGrid,
    Upscaled,
    LapVar,
    HfShare,
    MeanB,
    Chroma,
    CastRatio,
    FingerprintStrength,
    AutocorrelationPeak,
}

/// How images are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The median over images.
    Median,
    /// The share of images, 0 to 1.
    Share,
    /// A property of all images together.
    Pooled,
}

/// What numbers have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Spectrum,
    Lattice,
    Checkerboard,
    JpegGrid,
    Fingerprint,
    Processing,
    Color,
}

impl Section {
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Spectrum => "Azimuthal spectrum, dB",
            Self::Lattice => "Lattice peaks, power over surroundings",
            Self::Checkerboard => "Checkerboard, largest peak in dB",
            Self::JpegGrid => "JPEG",
            Self::Fingerprint => "Residual fingerprint",
            Self::Processing => "Upscaling and sharpening",
            Self::Color => "Color cast",
        }
    }
}

impl Number {
    /// Measured on each image, in the order of reports.
    pub const PER_IMAGE: [Self; 17] = [
        Self::SpectrumLow,
        Self::SpectrumMiddle,
        Self::SpectrumHigh,
        Self::Lattice2,
        Self::Lattice4,
        Self::Lattice8,
        Self::Lattice16,
        Self::Checkerboard2,
        Self::Checkerboard4,
        Self::Checkerboard8,
        Self::JpegGrid,
        Self::Upscaled,
        Self::LapVar,
        Self::HfShare,
        Self::MeanB,
        Self::Chroma,
        Self::CastRatio,
    ];

    /// The name in JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::SpectrumLow => "spectrum_low_db",
            Self::SpectrumMiddle => "spectrum_middle_db",
            Self::SpectrumHigh => "spectrum_high_db",
            Self::Lattice2 => "lattice_2",
            Self::Lattice4 => "lattice_4",
            Self::Lattice8 => "lattice_8",
            Self::Lattice16 => "lattice_16",
            Self::Checkerboard2 => "p2",
            Self::Checkerboard4 => "p4",
            Self::Checkerboard8 => "p8",
            Self::JpegGrid => "jpeg_grid",
            Self::Upscaled => "upscaled",
            Self::LapVar => "lap_var",
            Self::HfShare => "hf_share_quarter",
            Self::MeanB => "mean_b",
            Self::Chroma => "chroma",
            Self::CastRatio => "K",
            Self::FingerprintStrength => "fingerprint_strength",
            Self::AutocorrelationPeak => "autocorrelation_peak",
        }
    }

    /// For a narrow column under the title of the section.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::SpectrumLow => "below 1/8",
            Self::SpectrumMiddle => "1/8 to 1/4",
            Self::SpectrumHigh => "above 1/4",
            Self::Lattice2 | Self::Checkerboard2 => "period 2",
            Self::Lattice4 | Self::Checkerboard4 => "period 4",
            Self::Lattice8 | Self::Checkerboard8 => "period 8",
            Self::Lattice16 => "period 16",
            Self::JpegGrid => "clear grid, %",
            Self::Upscaled => "upscaled, %",
            Self::LapVar => "lap_var",
            Self::HfShare => "hf_share, %",
            Self::MeanB => "mean b",
            Self::Chroma => "chroma",
            Self::CastRatio => "K (not judged)",
            Self::FingerprintStrength => "strength",
            Self::AutocorrelationPeak => "autocorr. peak",
        }
    }

    /// In a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SpectrumLow => "power below 1/8 cycle per pixel",
            Self::SpectrumMiddle => "power from 1/8 to 1/4 cycle per pixel",
            Self::SpectrumHigh => "power above 1/4 cycle per pixel",
            Self::Lattice2 => "lattice peaks of period 2",
            Self::Lattice4 => "lattice peaks of period 4",
            Self::Lattice8 => "lattice peaks of period 8",
            Self::Lattice16 => "lattice peaks of period 16",
            Self::Checkerboard2 => "checkerboard of period 2",
            Self::Checkerboard4 => "checkerboard of period 4",
            Self::Checkerboard8 => "checkerboard of period 8",
            Self::JpegGrid => "images with a clear JPEG grid",
            Self::Upscaled => "images that look upscaled",
            Self::LapVar => "sharpness (lap_var)",
            Self::HfShare => "share of power above 1/4 cycle per pixel (hf_share)",
            Self::MeanB => "mean b (yellow above 0)",
            Self::Chroma => "chroma",
            Self::CastRatio => "K",
            Self::FingerprintStrength => "strength of the fingerprint",
            Self::AutocorrelationPeak => "peak of the fingerprint's autocorrelation",
        }
    }

    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::JpegGrid | Self::Upscaled => Kind::Share,
            Self::FingerprintStrength | Self::AutocorrelationPeak => Kind::Pooled,
            Self::SpectrumLow
            | Self::SpectrumMiddle
            | Self::SpectrumHigh
            | Self::Lattice2
            | Self::Lattice4
            | Self::Lattice8
            | Self::Lattice16
            | Self::Checkerboard2
            | Self::Checkerboard4
            | Self::Checkerboard8
            | Self::LapVar
            | Self::HfShare
            | Self::MeanB
            | Self::Chroma
            | Self::CastRatio => Kind::Median,
        }
    }

    /// Shown in percent; the value itself is a fraction.
    #[must_use]
    pub fn is_fraction(self) -> bool {
        self.kind() == Kind::Share || self == Self::HfShare
    }

    #[must_use]
    pub fn section(self) -> Section {
        match self {
            Self::SpectrumLow | Self::SpectrumMiddle | Self::SpectrumHigh => Section::Spectrum,
            Self::Lattice2 | Self::Lattice4 | Self::Lattice8 | Self::Lattice16 => Section::Lattice,
            Self::Checkerboard2 | Self::Checkerboard4 | Self::Checkerboard8 => Section::Checkerboard,
            Self::JpegGrid => Section::JpegGrid,
            Self::Upscaled | Self::LapVar | Self::HfShare => Section::Processing,
            Self::MeanB | Self::Chroma | Self::CastRatio => Section::Color,
            Self::FingerprintStrength | Self::AutocorrelationPeak => Section::Fingerprint,
        }
    }
}
