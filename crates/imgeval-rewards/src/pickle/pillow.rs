//! Images of Pillow, in the form in which it pickles them: a list of information, mode, size, palette and raw bytes.

use std::sync::Arc;

use super::{
    machine::{Id, Node},
    value::{PillowImage, Problem},
};

/// Modes with their bytes for each pixel.
const MODES: [(&str, u64); 3] = [("L", 1), ("RGB", 3), ("RGBA", 4)];

pub(super) fn image_of(nodes: &[Node], state: Id) -> Result<Arc<PillowImage>, Problem> {
    let wrong = |what| Problem::Image(what);
    // What stands behind the bytes is the file's format's own.
    let Node::List(state) = &nodes[state] else { return Err(wrong("its state is no list")) };
    let [_, mode, size, _, data, ..] = state.as_slice() else { return Err(wrong("its state is too short")) };
    let (Node::Text(mode), Node::Tuple(size), Node::Bytes(data)) =
        (&nodes[*mode], &nodes[*size], &nodes[*data])
    else {
        return Err(wrong("its state has another form than Pillow gives it"));
    };
    let side = |id: &Id| match nodes[*id] {
        Node::Integer(side) => u32::try_from(side).ok().filter(|side| *side > 0),
        _ => None,
    };
    let sides: Option<Vec<u32>> = size.iter().map(side).collect();
    let Some([width, height]) = sides.as_deref() else {
        return Err(wrong("its size is not two numbers above 0"));
    };
    let (width, height) = (*width, *height);
    let n_bytes = MODES.iter().find(|(name, _)| *name == &**mode).map(|(_, n_bytes)| *n_bytes);
    let n_bytes = n_bytes.ok_or_else(|| wrong("its mode is not RGB, RGBA or L"))?;
    if u64::from(width) * u64::from(height) * n_bytes != data.len() as u64 {
        return Err(wrong("it has another number of bytes than its size says"));
    }
    Ok(Arc::new(PillowImage { mode: Arc::clone(mode), width, height, data: Arc::clone(data) }))
}
