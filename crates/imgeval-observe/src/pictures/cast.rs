//! The mean color of an image next to its neutral version.

use imgeval_metrics::plane::lab::rgb_of_lab;
use imgeval_vision::canvas::Canvas;

use super::Panel;

const SIDE: f32 = 150.0;

/// Left the mean color (L, a, b), right the gray of its lightness.
#[must_use]
pub fn cast_panel(name: &str, mean_lab: [f64; 3]) -> Panel {
    let [l, a, b] = mean_lab.map(|value| value as f32);
    let mut canvas = Canvas::new(2 * SIDE as u32, SIDE as u32, rgb_of_lab([l, a, b]));
    canvas.fill(SIDE, 0.0, 2.0 * SIDE, SIDE, rgb_of_lab([l, 0.0, 0.0]));
    Panel::new(format!("{name}: mean color | its neutral gray"), canvas.into_pixels())
}
