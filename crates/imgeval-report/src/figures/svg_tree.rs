//! A figure's SVG as shapes, text in outlines of our own font.

use std::sync::{Arc, LazyLock};

use resvg::usvg::{ImageHrefResolver, Options, Tree, fontdb};

use super::{FigureError, font};

/// Our font and no other, on every machine.
static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(font::FONT.to_vec());
    Arc::new(fonts)
});

pub(super) fn parse(svg: &str) -> Result<Tree, FigureError> {
    let options = Options {
        font_family: font::FAMILY.to_owned(),
        fontdb: FONTS.clone(),
        // Pictures inside the file only; no path of this machine is ever opened.
        image_href_resolver: ImageHrefResolver {
            resolve_data: ImageHrefResolver::default_data_resolver(),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    Tree::from_str(svg, &options).map_err(FigureError::Svg)
}
