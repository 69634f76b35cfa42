//! Where a detector of generated images sees a trace, over the image.

use imgeval_core::Pixels;
use imgeval_forensics::TraceMap;

use super::color_map::heat;

/// Share of the color; the rest is the image in gray.
const OPACITY: f64 = 0.55;

/// The image in gray under the colors of its scores, dark for real and pale for fake; where windows overlap, their mean.
#[must_use]
pub fn trace_image(image: &Pixels, map: &TraceMap) -> Pixels {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let mut sums = vec![(0.0, 0.0); width * height];
    let windows = map.tops.iter().flat_map(|top| map.lefts.iter().map(move |left| (*left, *top)));
    for ((left, top), score) in windows.zip(&map.scores) {
        let (right, bottom) = ((left + map.side).min(image.width()), (top + map.side).min(image.height()));
        for y in top..bottom {
            for sum in &mut sums[y as usize * width + left as usize..y as usize * width + right as usize] {
                *sum = (sum.0 + score, sum.1 + 1.0);
            }
        }
    }
    let pixel = |([red, green, blue], (sum, n)): (&[u8; 3], &(f64, f64))| {
        let gray = 0.299 * f64::from(*red) + 0.587 * f64::from(*green) + 0.114 * f64::from(*blue);
        let color = heat(if *n > 0.0 { sum / n } else { 0.0 });
        color.map(|channel| (OPACITY * f64::from(channel) + (1.0 - OPACITY) * gray).round() as u8)
    };
    let rgb: Vec<u8> = image.rgb().as_chunks::<3>().0.iter().zip(&sums).flat_map(pixel).collect();
    Pixels::new(image.width(), image.height(), rgb).unwrap_or_else(|| image.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_the_color_of_their_score_and_overlaps_their_mean() {
        let image = Pixels::new(3, 1, vec![0; 9]).unwrap();
        let map = TraceMap { side: 2, lefts: vec![0, 1], tops: vec![0], scores: vec![0.0, 1.0] };
        let shown = trace_image(&image, &map);
        let expected = |score: f64| heat(score).map(|channel| (OPACITY * f64::from(channel)).round() as u8);
        assert_eq!([shown.at(0, 0), shown.at(1, 0), shown.at(2, 0)], [0.0, 0.5, 1.0].map(expected));
    }
}
