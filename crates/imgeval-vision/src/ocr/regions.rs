//! From the detector's map to the boxes of lines.

use super::{
    contours::find_borders,
    fill::mean_inside,
    geometry::{Quad, area, clockwise_from_top_left, distance, perimeter},
    offset::grow,
    rectangle::smallest_rectangle,
};

/// Of the map, for a pixel that belongs to text.
const TEXT_LEVEL: f32 = 0.3;
/// Of the mean of the map inside a box.
const BOX_LEVEL: f64 = 0.5;
/// The text regions of the map are shrunken; boxes grow by this much of area over perimeter.
const GROWTH: f64 = 1.6;
const MOST_BORDERS: usize = 1000;
/// Of a region's rectangle in pixels of the map, before and after it has grown.
const LEAST_SIDES: [f64; 2] = [3.0, 5.0];
/// A box of the frame must have longer sides than this, in pixels.
const LEAST_BOX_SIDE: f64 = 3.0;
/// Lines whose first corners differ by less than this in y are read from left to right.
const SAME_ROW: f64 = 10.0;

/// The detector's answer, a probability for each pixel.
#[derive(Debug)]
pub(super) struct TextMap {
    pub(super) values: Vec<f32>,
    pub(super) width: usize,
}

/// The boxes of a frame of this size in reading order, corners on whole pixels, clockwise from the top left.
pub(super) fn find_boxes(map: &TextMap, frame: [u32; 2]) -> Vec<Quad> {
    let bitmap = dilated(map);
    let height = map.values.len() / map.width;
    let map_size = [map.width as f32, height as f32];
    let borders = find_borders(&bitmap, map.width, MOST_BORDERS);
    let mut boxes: Vec<Quad> = borders
        .iter()
        .filter_map(|border| {
            let (rectangle, side) = smallest_rectangle(border)?;
            let rectangle = clockwise_from_top_left(rectangle);
            if side < LEAST_SIDES[0] || mean_inside(&map.values, map.width, &rectangle) < BOX_LEVEL {
                return None;
            }
            let grown = grow(&rectangle, area(&rectangle) * GROWTH / perimeter(&rectangle));
            let (rectangle, side) = smallest_rectangle(&grown)?;
            if side < LEAST_SIDES[1] { None } else { on_frame(rectangle, map_size, frame) }
        })
        .collect();
    sort_for_reading(&mut boxes);
    boxes
}

/// Where the map is above the level in the pixel itself or in its left, upper or upper left neighbor.
fn dilated(map: &TextMap) -> Vec<bool> {
    let mut bitmap = vec![false; map.values.len()];
    for (row, line) in map.values.chunks_exact(map.width).enumerate() {
        for (column, value) in line.iter().enumerate() {
            if *value > TEXT_LEVEL {
                let at = row * map.width + column;
                let reach = if column + 1 < map.width { 2 } else { 1 };
                for start in [at, at + map.width] {
                    if start < bitmap.len() {
                        bitmap[start..start + reach].fill(true);
                    }
                }
            }
        }
    }
    bitmap
}

/// A rectangle of the map on the frame: rounded, clipped, and dropped where a side is too short.
fn on_frame(rectangle: Quad, map_size: [f32; 2], frame: [u32; 2]) -> Option<Quad> {
    let corners = rectangle.map(|corner| {
        [0, 1].map(|axis| {
            let scaled = corner[axis] as f32 / map_size[axis] * frame[axis] as f32;
            f64::from(scaled).round_ties_even().clamp(0.0, f64::from(frame[axis]))
        })
    });
    let last = frame.map(|side| f64::from(side) - 1.0);
    let quad = clockwise_from_top_left(corners).map(|[x, y]| [x.min(last[0]), y.min(last[1])]);
    let sides = [distance(quad[0], quad[1]), distance(quad[0], quad[3])];
    sides.iter().all(|side| side.trunc() > LEAST_BOX_SIDE).then_some(quad)
}

/// From top to bottom by the first corner, neighbors at about the same height from left to right.
fn sort_for_reading(boxes: &mut [Quad]) {
    boxes.sort_by(|a, b| a[0][1].total_cmp(&b[0][1]).then(a[0][0].total_cmp(&b[0][0])));
    for end in 1..boxes.len() {
        for place in (1..=end).rev() {
            let (before, after) = (boxes[place - 1][0], boxes[place][0]);
            if (after[1] - before[1]).abs() < SAME_ROW && after[0] < before[0] {
                boxes.swap(place - 1, place);
            } else {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_grown_and_scaled() {
        // 100x40 with a bar of 60x8 at (20, 12); the reference (OpenCV 5.0, pyclipper 1.4) gives these corners.
        let mut values = vec![0.0; 4000];
        for row in 12..20 {
            values[row * 100 + 20..row * 100 + 80].fill(0.9);
        }
        let map = TextMap { values, width: 100 };
        let found = find_boxes(&map, [200, 80]);
        assert_eq!(found, [[[28.0, 12.0], [172.0, 12.0], [172.0, 52.0], [28.0, 52.0]]]);
    }

    #[test]
    fn neighbors_in_a_row_are_read_from_left_to_right() {
        let quad = |x: f64, y: f64| [[x, y], [x + 9.0, y], [x + 9.0, y + 9.0], [x, y + 9.0]];
        let mut boxes = [quad(50.0, 10.0), quad(5.0, 14.0), quad(0.0, 40.0), quad(30.0, 18.0)];
        sort_for_reading(&mut boxes);
        let firsts = boxes.map(|quad| quad[0][0]);
        assert_eq!(firsts, [5.0, 30.0, 50.0, 0.0]);
    }
}
