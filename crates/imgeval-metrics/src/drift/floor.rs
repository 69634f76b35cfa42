//! What a component must exceed to mean anything.

use super::Decomposition;

/// A part of a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    Geometry,
    Tone,
    Sharpness,
    Content,
    Residual,
}

impl Component {
    /// In the order of reports.
    pub const ALL: [Self; 5] = [Self::Geometry, Self::Tone, Self::Sharpness, Self::Content, Self::Residual];

    /// `geometry`, `tone`, `sharpness`, `content` or `residual`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Geometry => "geometry",
            Self::Tone => "tone",
            Self::Sharpness => "sharpness",
            Self::Content => "content",
            Self::Residual => "residual",
        }
    }

    /// Its size without a sign, in its own unit; `None` where it has no value.
    #[must_use]
    pub fn size_in(self, found: &Decomposition) -> Option<f64> {
        match self {
            Self::Geometry => found.geometry.as_ref().ok().map(|geometry| geometry.share),
            Self::Tone => found.tone.as_ref().ok().map(|tone| tone.de),
            Self::Sharpness => found.sharpness.as_ref().ok().map(|ratio| ratio.abs()),
            Self::Content => found.content.as_ref().ok().copied(),
            Self::Residual => found.residual.as_ref().ok().copied(),
        }
    }
}

/// The size up to which each component shows nothing but how it was measured, in its own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    sizes: [f64; Component::ALL.len()],
}

impl Floor {
    /// What the other kinds of drift leave in each component when they are injected alone, on 8-bit images (docs/methods.md, rounds): a share of
    /// the frame, CIE76, a binary logarithm, CIE76, CIE76.
    pub const RESOLUTION: Self = Self { sizes: [0.004, 0.5, 0.15, 0.1, 0.7] };

    /// The largest that any control shows, and at least [`Floor::RESOLUTION`]. Controls are sessions in which nothing was to change: only encoded and
    /// decoded, or asked to return the image as it is.
    #[must_use]
    pub fn of(controls: &[&Decomposition]) -> Self {
        let mut sizes = Self::RESOLUTION.sizes;
        for control in controls {
            for (floor, component) in sizes.iter_mut().zip(Component::ALL) {
                *floor = floor.max(component.size_in(control).unwrap_or(0.0));
            }
        }
        Self { sizes }
    }

    /// Of one component, in its unit.
    #[must_use]
    pub fn of_component(&self, component: Component) -> f64 {
        let place = Component::ALL.iter().position(|other| *other == component);
        place.map_or(0.0, |place| self.sizes[place])
    }

    /// The components that exceed the floor.
    #[must_use]
    pub fn exceeded_by(&self, found: &Decomposition) -> Vec<Component> {
        let exceeds = |component: &Component| {
            component.size_in(found).is_some_and(|size| size > self.of_component(*component))
        };
        Component::ALL.into_iter().filter(exceeds).collect()
    }
}
