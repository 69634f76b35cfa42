//! Time to measure all numbers of one image on one core, decoding excluded. Beside it: `scripts/reference/image_measures.py time`.
//!
//! ```text
//! cargo run --release -p imgeval-metrics --example image_speed -- IMAGE [REPEATS]
//! ```

#![allow(clippy::disallowed_methods, reason = "an example reads the clock and opens what it is given")]
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use std::{error::Error, hint::black_box, time::Instant};

use imgeval_core::Pixels;
use imgeval_metrics::image::measure_image;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give an image")?;
    let n_repeats: usize = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let image = image::open(path)?.into_rgb8();
    let pixels = Pixels::new(image.width(), image.height(), image.into_raw()).ok_or("the image is empty")?;
    let mut times = Vec::new();
    for _ in 0..n_repeats.max(1) {
        let start = Instant::now();
        black_box(measure_image(black_box(&pixels)));
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    let (width, height) = (pixels.width(), pixels.height());
    println!(
        "{:.1} ms (median of {}, fastest {:.1} ms) for {width}x{height} pixels",
        times[times.len() / 2],
        times.len(),
        times[0]
    );
    Ok(())
}
