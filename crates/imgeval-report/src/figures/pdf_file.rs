//! From SVG to a PDF of one page.
//!
//! What figures are made of is little: filled and stroked paths, perhaps transparent, hatches as patterns, text, and pictures. Everything else is
//! refused rather than drawn wrongly.

use std::io::{Cursor, Write as _};

use flate2::{Compression, write::ZlibEncoder};
use image::{ColorType, ImageDecoder as _, ImageFormat, ImageReader, codecs::jpeg::JpegDecoder};
use pdf_writer::{
    Content, Filter, Finish, Name, Pdf, Rect, Ref, TextStr,
    types::{ColorSpaceOperand, LineCapStyle, LineJoinStyle, PaintType, TilingType},
    writers::Resources,
};
use resvg::usvg::{
    FillRule, Group, Image, ImageKind, LineCap, LineJoin, Node, Paint, Path, Pattern, Stroke, Transform,
    tiny_skia_path::{PathSegment, Point},
};

use super::{FigureError, svg_tree};

/// PDF counts in points of 1/72 inch, SVG in pixels of 1/96.
const POINTS_PER_PIXEL: f32 = 0.75;

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);
const FIRST_FREE: i32 = 6;

pub(super) fn render(svg: &str, title: &str) -> Result<Vec<u8>, FigureError> {
    let tree = svg_tree::parse(svg)?;
    let (width, height) = (tree.size().width() * POINTS_PER_PIXEL, tree.size().height() * POINTS_PER_PIXEL);
    // PDF's origin is at the foot of the page.
    let to_page = Transform::from_row(POINTS_PER_PIXEL, 0.0, 0.0, -POINTS_PER_PIXEL, 0.0, height);
    let mut file = File { pdf: Pdf::new(), next: FIRST_FREE };
    let mut page = Drawing::new(Some(to_page));
    page.content.transform(matrix(to_page));
    page.group(&mut file, tree.root())?;
    let (content, used) = page.finish();
    let content = compressed(&content)?;
    let File { mut pdf, .. } = file;
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    pdf.document_info(INFO).title(TextStr(title));
    let mut written = pdf.page(PAGE);
    written.parent(PAGES).media_box(Rect::new(0.0, 0.0, width, height)).contents(CONTENT);
    used.write(&mut written.resources());
    written.finish();
    pdf.stream(CONTENT, &content).filter(Filter::FlateDecode);
    Ok(pdf.finish())
}

struct File {
    pdf: Pdf,
    next: i32,
}

impl File {
    fn reference(&mut self) -> Ref {
        let reference = Ref::new(self.next);
        self.next += 1;
        reference
    }
}

/// The objects that a content stream names, in the order of their numbers.
#[derive(Default)]
struct Used {
    patterns: Vec<Ref>,
    pictures: Vec<Ref>,
    opacities: Vec<Ref>,
}

impl Used {
    fn write(&self, resources: &mut Resources<'_>) {
        if !self.patterns.is_empty() {
            let mut patterns = resources.patterns();
            for (number, reference) in self.patterns.iter().enumerate() {
                patterns.pair(Name(pattern_name(number).as_bytes()), reference);
            }
        }
        if !self.opacities.is_empty() {
            let mut opacities = resources.ext_g_states();
            for (number, reference) in self.opacities.iter().enumerate() {
                opacities.pair(Name(opacity_name(number).as_bytes()), reference);
            }
        }
        if !self.pictures.is_empty() {
            let mut pictures = resources.x_objects();
            for (number, reference) in self.pictures.iter().enumerate() {
                pictures.pair(Name(picture_name(number).as_bytes()), reference);
            }
        }
    }
}

fn opacity_name(number: usize) -> String {
    format!("G{number}")
}

fn pattern_name(number: usize) -> String {
    format!("P{number}")
}

fn picture_name(number: usize) -> String {
    format!("I{number}")
}

/// A content stream in the making.
struct Drawing {
    content: Content,
    used: Used,
    /// From the figure's pixels to the page; `None` within a pattern, which holds no further ones.
    to_page: Option<Transform>,
}

impl Drawing {
    fn new(to_page: Option<Transform>) -> Self {
        Self { content: Content::new(), used: Used::default(), to_page }
    }

    fn finish(self) -> (Vec<u8>, Used) {
        (self.content.finish().into_vec(), self.used)
    }

    fn group(&mut self, file: &mut File, group: &Group) -> Result<(), FigureError> {
        for (is_foreign, what) in [
            (group.opacity().get() < 1.0, "a transparent group"),
            (group.clip_path().is_some(), "a clipped group"),
            (group.mask().is_some(), "a mask"),
            (!group.filters().is_empty(), "a filter"),
        ] {
            if is_foreign {
                return Err(FigureError::Foreign { what });
            }
        }
        let is_moved = !group.transform().is_identity();
        if is_moved {
            self.content.save_state();
            self.content.transform(matrix(group.transform()));
        }
        for node in group.children() {
            match node {
                Node::Group(group) => self.group(file, group)?,
                Node::Path(path) => self.path(file, path)?,
                Node::Image(image) => self.picture(file, image)?,
                Node::Text(text) => self.group(file, text.flattened())?,
            }
        }
        if is_moved {
            self.content.restore_state();
        }
        Ok(())
    }

    fn path(&mut self, file: &mut File, path: &Path) -> Result<(), FigureError> {
        if !path.is_visible() {
            return Ok(());
        }
        let of_fill = path.fill().map_or(1.0, |fill| fill.opacity().get());
        let of_line = path.stroke().map_or(1.0, |stroke| stroke.opacity().get());
        if of_fill >= 1.0 && of_line >= 1.0 {
            return self.opaque_path(file, path);
        }
        let reference = file.reference();
        file.pdf.ext_graphics(reference).non_stroking_alpha(of_fill).stroking_alpha(of_line);
        let number = self.used.opacities.len();
        self.used.opacities.push(reference);
        self.content.save_state();
        self.content.set_parameters(Name(opacity_name(number).as_bytes()));
        self.opaque_path(file, path)?;
        self.content.restore_state();
        Ok(())
    }

    /// The path, whatever the opacity that is set.
    fn opaque_path(&mut self, file: &mut File, path: &Path) -> Result<(), FigureError> {
        let stroke = path.stroke();
        if let Some(stroke) = stroke {
            self.pen(stroke)?;
        }
        let Some(fill) = path.fill() else {
            if stroke.is_some() {
                outline(&mut self.content, path);
                self.content.stroke();
            }
            return Ok(());
        };
        match fill.paint() {
            Paint::Color(color) => {
                self.content.set_fill_rgb(part(color.red), part(color.green), part(color.blue));
            }
            Paint::Pattern(pattern) => {
                let to_page = self.to_page.ok_or(FigureError::Foreign { what: "a pattern in a pattern" })?;
                let number = self.used.patterns.len();
                self.used.patterns.push(write_pattern(
                    file,
                    pattern,
                    to_page.pre_concat(path.abs_transform()),
                )?);
                self.content.set_fill_color_space(ColorSpaceOperand::Pattern);
                self.content.set_fill_pattern([], Name(pattern_name(number).as_bytes()));
            }
            Paint::LinearGradient(_) | Paint::RadialGradient(_) => {
                return Err(FigureError::Foreign { what: "a gradient" });
            }
        }
        outline(&mut self.content, path);
        match (fill.rule(), stroke.is_some()) {
            (FillRule::NonZero, false) => self.content.fill_nonzero(),
            (FillRule::NonZero, true) => self.content.fill_nonzero_and_stroke(),
            (FillRule::EvenOdd, false) => self.content.fill_even_odd(),
            (FillRule::EvenOdd, true) => self.content.fill_even_odd_and_stroke(),
        };
        Ok(())
    }

    fn pen(&mut self, stroke: &Stroke) -> Result<(), FigureError> {
        let Paint::Color(color) = stroke.paint() else {
            return Err(FigureError::Foreign { what: "a line of more than one color" });
        };
        let content = &mut self.content;
        content.set_stroke_rgb(part(color.red), part(color.green), part(color.blue));
        content.set_line_width(stroke.width().get());
        content.set_miter_limit(stroke.miterlimit().get());
        content.set_line_cap(match stroke.linecap() {
            LineCap::Butt => LineCapStyle::ButtCap,
            LineCap::Round => LineCapStyle::RoundCap,
            LineCap::Square => LineCapStyle::ProjectingSquareCap,
        });
        content.set_line_join(match stroke.linejoin() {
            LineJoin::Miter | LineJoin::MiterClip => LineJoinStyle::MiterJoin,
            LineJoin::Round => LineJoinStyle::RoundJoin,
            LineJoin::Bevel => LineJoinStyle::BevelJoin,
        });
        // An empty pattern is a whole line.
        let dashes = stroke.dasharray().unwrap_or_default();
        content.set_dash_pattern(dashes.iter().copied(), stroke.dashoffset());
        Ok(())
    }

    fn picture(&mut self, file: &mut File, image: &Image) -> Result<(), FigureError> {
        if !image.is_visible() {
            return Ok(());
        }
        let reference = match image.kind() {
            ImageKind::JPEG(bytes) => write_jpeg(file, bytes)?,
            ImageKind::PNG(bytes) => write_pixels(file, bytes, ImageFormat::Png)?,
            ImageKind::WEBP(bytes) => write_pixels(file, bytes, ImageFormat::WebP)?,
            ImageKind::GIF(_) => return Err(FigureError::Foreign { what: "a GIF" }),
            ImageKind::SVG(_) => return Err(FigureError::Foreign { what: "another SVG" }),
        };
        let number = self.used.pictures.len();
        self.used.pictures.push(reference);
        let (width, height) = (image.size().width(), image.size().height());
        self.content.save_state();
        // A picture fills the unit square, its first row at the top.
        self.content.transform([width, 0.0, 0.0, -height, 0.0, height]);
        self.content.x_object(Name(picture_name(number).as_bytes()));
        self.content.restore_state();
        Ok(())
    }
}

/// `to_page` leads from what is filled to the page, because a pattern lies where the page is, whatever moved before it is used.
fn write_pattern(file: &mut File, pattern: &Pattern, to_page: Transform) -> Result<Ref, FigureError> {
    let mut drawing = Drawing::new(None);
    drawing.group(file, pattern.root())?;
    let (content, used) = drawing.finish();
    let content = compressed(&content)?;
    let tile = pattern.rect();
    let place = to_page.pre_concat(pattern.transform()).pre_translate(tile.x(), tile.y());
    let reference = file.reference();
    let mut written = file.pdf.tiling_pattern(reference, &content);
    written.filter(Filter::FlateDecode);
    written
        .paint_type(PaintType::Colored)
        .tiling_type(TilingType::ConstantSpacing)
        .bbox(Rect::new(0.0, 0.0, tile.width(), tile.height()))
        .x_step(tile.width())
        .y_step(tile.height())
        .matrix(matrix(place));
    used.write(&mut written.resources());
    written.finish();
    Ok(reference)
}

/// A JPEG stands in a PDF as it is.
fn write_jpeg(file: &mut File, bytes: &[u8]) -> Result<Ref, FigureError> {
    let decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(FigureError::Picture)?;
    if decoder.color_type() != ColorType::Rgb8 {
        return write_pixels(file, bytes, ImageFormat::Jpeg);
    }
    let size = decoder.dimensions();
    Ok(write_picture(file, size, bytes, Filter::DctDecode))
}

/// Any other picture is decoded; figures have a white ground, which shows through.
fn write_pixels(file: &mut File, bytes: &[u8], format: ImageFormat) -> Result<Ref, FigureError> {
    let decoded =
        ImageReader::with_format(Cursor::new(bytes), format).decode().map_err(FigureError::Picture)?;
    let pixels = decoded.to_rgba8();
    let over_white = |pixel: &image::Rgba<u8>| {
        let [red, green, blue, alpha] = pixel.0.map(u16::from);
        [red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha)) / 255) as u8)
    };
    let rgb: Vec<u8> = pixels.pixels().flat_map(over_white).collect();
    Ok(write_picture(file, pixels.dimensions(), &compressed(&rgb)?, Filter::FlateDecode))
}

fn write_picture(file: &mut File, (width, height): (u32, u32), bytes: &[u8], filter: Filter) -> Ref {
    let reference = file.reference();
    let mut picture = file.pdf.image_xobject(reference, bytes);
    picture.filter(filter);
    picture.width(width as i32).height(height as i32).bits_per_component(8);
    picture.color_space().device_rgb();
    reference
}

fn outline(content: &mut Content, path: &Path) {
    let mut at = Point::zero();
    for segment in path.data().segments() {
        match segment {
            PathSegment::MoveTo(to) => {
                content.move_to(to.x, to.y);
                at = to;
            }
            PathSegment::LineTo(to) => {
                content.line_to(to.x, to.y);
                at = to;
            }
            PathSegment::QuadTo(through, to) => {
                // PDF knows cubic curves only.
                let toward = |end: Point| {
                    (end.x + (through.x - end.x) * 2.0 / 3.0, end.y + (through.y - end.y) * 2.0 / 3.0)
                };
                let ((x1, y1), (x2, y2)) = (toward(at), toward(to));
                content.cubic_to(x1, y1, x2, y2, to.x, to.y);
                at = to;
            }
            PathSegment::CubicTo(first, second, to) => {
                content.cubic_to(first.x, first.y, second.x, second.y, to.x, to.y);
                at = to;
            }
            PathSegment::Close => {
                content.close_path();
            }
        }
    }
}

fn matrix(of: Transform) -> [f32; 6] {
    [of.sx, of.ky, of.kx, of.sy, of.tx, of.ty]
}

fn part(value: u8) -> f32 {
    f32::from(value) / 255.0
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>, FigureError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(FigureError::Compress)
}
