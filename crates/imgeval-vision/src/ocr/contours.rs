//! The borders of the regions of a bitmap.

use super::geometry::Point;

/// The eight neighbors, clockwise as seen with y pointing down, from the right one.
const NEIGHBORS: [(isize, isize); 8] = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)];

/// The outer borders and the borders of holes, each as its pixels' x and y; at most `limit`, the last found first.
///
/// Regions are 8-connected. Source: S. Suzuki and K. Abe, "Topological structural analysis of digitized binary images by border
/// following", 1985; the order is that of OpenCV's `findContours`.
pub(super) fn find_borders(bitmap: &[bool], width: usize, limit: usize) -> Vec<Vec<Point>> {
    let mut tracer = Tracer::new(bitmap, width);
    let mut borders = Vec::new();
    for y in 1..tracer.height - 1 {
        for x in 1..tracer.width - 1 {
            let at = y * tracer.width + x;
            let mark = tracer.marks[at];
            if mark == 0 {
                continue;
            }
            if mark == 1 && tracer.marks[at - 1] == 0 {
                borders.push(tracer.follow(at, LEFT));
            } else if mark > 0 && tracer.marks[at + 1] == 0 {
                borders.push(tracer.follow(at, RIGHT));
            }
        }
    }
    borders.reverse();
    borders.truncate(limit);
    borders
}

const RIGHT: usize = 0;
const LEFT: usize = 4;

/// The bitmap with a rim of zeros. 0 is outside, 1 not followed yet, 2 followed, -2 followed with outside to its right.
struct Tracer {
    marks: Vec<i8>,
    width: usize,
    height: usize,
    offsets: [isize; 8],
}

impl Tracer {
    fn new(bitmap: &[bool], width: usize) -> Self {
        let padded = width + 2;
        let height = bitmap.len() / width + 2;
        let mut marks = vec![0; padded * height];
        for (row, line) in bitmap.chunks_exact(width).enumerate() {
            let start = (row + 1) * padded + 1;
            for (mark, is_set) in marks[start..start + width].iter_mut().zip(line) {
                *mark = i8::from(*is_set);
            }
        }
        let offsets = NEIGHBORS.map(|(dx, dy)| dy * padded as isize + dx);
        Self { marks, width: padded, height, offsets }
    }

    fn neighbor(&self, at: usize, direction: usize) -> usize {
        at.wrapping_add_signed(self.offsets[direction % 8])
    }

    fn point(&self, at: usize) -> Point {
        [(at % self.width) as f64 - 1.0, (at / self.width) as f64 - 1.0]
    }

    /// The border through `start`, whose neighbor in direction `outside` is outside.
    fn follow(&mut self, start: usize, outside: usize) -> Vec<Point> {
        let first =
            (1..=8).map(|turn| outside + turn).find(|way| self.marks[self.neighbor(start, *way)] != 0);
        let Some(first) = first else {
            self.marks[start] = -2;
            return vec![self.point(start)];
        };
        let end = self.neighbor(start, first);
        let (mut at, mut came_from) = (start, first % 8);
        let mut border = Vec::new();
        loop {
            // Counterclockwise from the pixel that it came from.
            let mut is_right_outside = false;
            let mut way = came_from;
            let next = loop {
                way = (way + 7) % 8;
                let next = self.neighbor(at, way);
                if self.marks[next] != 0 {
                    break next;
                }
                is_right_outside |= way == RIGHT;
            };
            if is_right_outside {
                self.marks[at] = -2;
            } else if self.marks[at] == 1 {
                self.marks[at] = 2;
            }
            border.push(self.point(at));
            if next == start && at == end {
                return border;
            }
            (at, came_from) = (next, (way + 4) % 8);
        }
    }
}
