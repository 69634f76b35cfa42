//! NumPy's arrays and scalars, in the form in which NumPy pickles itself (versions 1 and 2).

use std::sync::Arc;

use super::{
    machine::{Id, Node},
    value::{Problem, Value},
};

/// What the elements of an array are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    kind: Kind,
    /// Bytes of one element.
    size: usize,
    is_big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Bool,
    Signed,
    Unsigned,
    Float,
    /// Four bytes a character.
    Text,
}

impl Element {
    /// From NumPy's code, such as `i8`, `U12` or `O8`.
    pub(super) fn parse(code: &str) -> Result<Self, Problem> {
        let unknown = || Problem::Array("its type is not known");
        let (kind, size) = code.split_at_checked(1).ok_or_else(unknown)?;
        let n: usize = if size.is_empty() { 8 } else { size.parse().map_err(|_| unknown())? };
        let (kind, size) = match (kind, n) {
            ("O", _) => (Kind::Object, 8),
            ("b", 1) => (Kind::Bool, 1),
            ("i", 1 | 2 | 4 | 8) => (Kind::Signed, n),
            ("u", 1 | 2 | 4 | 8) => (Kind::Unsigned, n),
            ("f", 4 | 8) => (Kind::Float, n),
            ("U", 1..=0xffff) => (Kind::Text, 4 * n),
            _ => return Err(unknown()),
        };
        Ok(Self { kind, size, is_big_endian: false })
    }

    /// One element.
    fn read(self, bytes: &[u8]) -> Result<Value, Problem> {
        let wide = |bytes: &[u8]| {
            let mut wide = [0; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            if self.is_big_endian {
                wide[..bytes.len()].reverse();
            }
            wide
        };
        let unsigned = u64::from_le_bytes(wide(if self.kind == Kind::Text { &[] } else { bytes }));
        let unused_bits = 64 - 8 * bytes.len().clamp(1, 8);
        Ok(match self.kind {
            Kind::Object => return Err(Problem::Array("it has objects where bytes are")),
            Kind::Bool => Value::Bool(unsigned != 0),
            Kind::Signed => Value::Integer((unsigned << unused_bits).cast_signed() >> unused_bits),
            Kind::Unsigned => Value::Integer(i64::try_from(unsigned).map_err(|_| Problem::Number)?),
            Kind::Float if bytes.len() == 4 => Value::Float(f32::from_bits(unsigned as u32).into()),
            Kind::Float => Value::Float(f64::from_bits(unsigned)),
            Kind::Text => {
                let (characters, _) = bytes.as_chunks::<4>();
                let character = |bytes: &[u8; 4]| {
                    let code = if self.is_big_endian {
                        u32::from_be_bytes(*bytes)
                    } else {
                        u32::from_le_bytes(*bytes)
                    };
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                };
                let text: String = characters.iter().map(character).collect();
                Value::Text(Arc::from(text.trim_end_matches('\0')))
            }
        })
    }
}

/// An array of one dimension.
#[derive(Debug, Clone, Default)]
pub(super) struct Array {
    /// `None` until its state is known.
    pub(super) items: Option<Items>,
}

#[derive(Debug, Clone)]
pub(super) enum Items {
    /// A list.
    Objects(Id),
    Values(Vec<Value>),
}

/// A single element, such as `numpy.int64(3)`.
pub(super) fn scalar(element: Element, bytes: &[u8]) -> Result<Node, Problem> {
    if bytes.len() != element.size {
        return Err(Problem::Array("a scalar has another length than its type"));
    }
    Ok(match element.read(bytes)? {
        Value::Bool(value) => Node::Bool(value),
        Value::Integer(value) => Node::Integer(value),
        Value::Float(value) => Node::Float(value),
        Value::Text(text) => Node::Text(text),
        _ => return Err(Problem::Array("a scalar has no plain value")),
    })
}

/// Gives a type its byte order, or an array its content.
pub(super) fn build(nodes: &mut [Node], target: Id, state: Id) -> Result<(), Problem> {
    let Node::Tuple(state) = &nodes[state] else {
        return Err(Problem::Forbidden("the state of an object".to_owned()));
    };
    let content = state.last().copied();
    let state: Vec<&Node> = state.iter().map(|id| &nodes[*id]).collect();
    let built = match (&nodes[target], state.as_slice()) {
        (Node::Element(element), [Node::Integer(_), Node::Text(order), ..]) => {
            Node::Element(Element { is_big_endian: &**order == ">", ..*element })
        }
        (
            Node::Array(_),
            [Node::Integer(_), Node::Tuple(shape), Node::Element(element), Node::Bool(_), _],
        ) => {
            let [length] = shape.as_slice() else { return Err(Problem::Array("it has not one dimension")) };
            let Node::Integer(length) = nodes[*length] else { return Err(Problem::Number) };
            let length = usize::try_from(length).map_err(|_| Problem::Number)?;
            let content = content.ok_or(Problem::Stack)?;
            Node::Array(Array { items: Some(items_of(nodes, *element, length, content)?) })
        }
        _ => return Err(Problem::Forbidden("the state of an object".to_owned())),
    };
    nodes[target] = built;
    Ok(())
}

fn items_of(nodes: &[Node], element: Element, length: usize, content: Id) -> Result<Items, Problem> {
    match &nodes[content] {
        Node::List(items) if element.kind == Kind::Object && items.len() == length => {
            Ok(Items::Objects(content))
        }
        Node::Bytes(bytes)
            if element.kind != Kind::Object && length.checked_mul(element.size) == Some(bytes.len()) =>
        {
            let values = bytes.chunks_exact(element.size).map(|one| element.read(one));
            Ok(Items::Values(values.collect::<Result<_, _>>()?))
        }
        _ => Err(Problem::Array("its content has another length than its shape says")),
    }
}
