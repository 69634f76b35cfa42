//! The stack machine. Values refer to each other by number, as they may be filled after they were stored.

use std::{collections::HashMap, sync::Arc};

use super::{
    numpy::{self, Array, Element},
    opcodes as op, pillow,
    value::{PickleError, PillowImage, Problem, Value},
};

/// More values than any batch of metadata has.
const MAX_NODES: usize = 2_000_000;
/// Nested values that the result may have.
const MAX_DEPTH: usize = 32;
/// No number that is a count or a reward is longer; more digits would only cost time.
const MAX_NUMBER_BYTES: usize = 40;

pub(super) type Id = usize;

/// A value in the making.
#[derive(Debug, Clone)]
pub(super) enum Node {
    None,
    Bool(bool),
    Integer(i64),
    /// Beyond 64 bits.
    Huge,
    Float(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set(Vec<Id>),
    Dictionary(Vec<(Id, Id)>),
    Name(Name),
    Element(Element),
    Array(Array),
    /// `None` until its state is known.
    Image(Option<Arc<PillowImage>>),
}

/// The names that a pickle may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    CodecsEncode,
    ByteArray,
    OrderedDict,
    Ndarray,
    Dtype,
    Reconstruct,
    Scalar,
    PillowImage,
}

fn find_name(module: &str, name: &str) -> Result<Name, Problem> {
    Ok(match (module, name) {
        ("_codecs", "encode") => Name::CodecsEncode,
        ("builtins" | "__builtin__", "bytearray") => Name::ByteArray,
        ("collections", "OrderedDict") => Name::OrderedDict,
        ("PIL.Image", "Image")
        | ("PIL.PngImagePlugin", "PngImageFile")
        | ("PIL.JpegImagePlugin", "JpegImageFile") => Name::PillowImage,
        ("numpy", "ndarray") => Name::Ndarray,
        ("numpy", "dtype") => Name::Dtype,
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Name::Reconstruct,
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Name::Scalar,
        _ => {
            let shown: String =
                format!("{module}.{name}").chars().take(80).flat_map(char::escape_debug).collect();
            return Err(Problem::Forbidden(shown));
        }
    })
}

/// Reads the first value of a pickle; what stands behind it is ignored, as Python does.
///
/// # Errors
/// If it is not a pickle, uses anything else than data, or holds more than a batch of images with metadata can.
pub fn read(body: &[u8]) -> Result<Value, PickleError> {
    let mut machine = Machine {
        body,
        at: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        n_pushed: 0,
    };
    machine.run().map_err(|problem| PickleError { at: machine.at.min(body.len()), problem })
}

struct Machine<'a> {
    body: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
    /// How often a value was put on the stack, which bounds everything that is made of them.
    n_pushed: usize,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Value, Problem> {
        loop {
            let [opcode] = self.array()?;
            if opcode == op::STOP {
                let top = self.pop()?;
                let mut left = MAX_NODES;
                return self.value_of(top, 0, &mut left);
            }
            self.step(opcode)?;
        }
    }

    fn step(&mut self, opcode: u8) -> Result<(), Problem> {
        match opcode {
            op::PROTO => match self.array()? {
                [0..=5] => Ok(()),
                [number] => Err(Problem::Protocol(number)),
            },
            // Frames help those who read from a stream; here only their lengths must be true.
            op::FRAME => match self.length::<8>()? {
                length if length <= self.body.len() - self.at => Ok(()),
                _ => Err(Problem::Truncated),
            },
            op::MARK => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            op::POP => self.pop().map(drop),
            op::POP_MARK => self.pop_to_mark().map(drop),
            op::NONE => self.push(Node::None),
            op::NEWTRUE => self.push(Node::Bool(true)),
            op::NEWFALSE => self.push(Node::Bool(false)),
            op::INT | op::LONG | op::FLOAT => self.number_line(opcode),
            op::BININT => {
                self.array().and_then(|bytes| self.push(Node::Integer(i32::from_le_bytes(bytes).into())))
            }
            op::BININT1 => {
                self.array().and_then(|bytes| self.push(Node::Integer(u8::from_le_bytes(bytes).into())))
            }
            op::BININT2 => {
                self.array().and_then(|bytes| self.push(Node::Integer(u16::from_le_bytes(bytes).into())))
            }
            op::BINFLOAT => self.array().and_then(|bytes| self.push(Node::Float(f64::from_be_bytes(bytes)))),
            op::LONG1 => self.length::<1>().and_then(|length| self.long(length)),
            op::LONG4 => self.length::<4>().and_then(|length| self.long(length)),
            op::UNICODE => {
                let line = self.line()?;
                let text = raw_unicode_escape(line).ok_or(Problem::Text)?;
                self.push(Node::Text(text.into()))
            }
            op::SHORT_BINUNICODE => self.length::<1>().and_then(|length| self.text(length)),
            op::BINUNICODE => self.length::<4>().and_then(|length| self.text(length)),
            op::BINUNICODE8 => self.length::<8>().and_then(|length| self.text(length)),
            op::SHORT_BINBYTES => self.length::<1>().and_then(|length| self.bytes(length)),
            op::BINBYTES => self.length::<4>().and_then(|length| self.bytes(length)),
            op::BINBYTES8 | op::BYTEARRAY8 => self.length::<8>().and_then(|length| self.bytes(length)),
            op::GLOBAL => {
                let (module, name) = (self.text_line()?, self.text_line()?);
                let name = find_name(&module, &name)?;
                self.push(Node::Name(name))
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop_text()?, self.pop_text()?);
                let name = find_name(&module, &name)?;
                self.push(Node::Name(name))
            }
            op::REDUCE => {
                let (arguments, name) = (self.pop()?, self.pop()?);
                let made = self.call(name, arguments)?;
                self.push(made)
            }
            op::NEWOBJ => {
                let (arguments, name) = (self.pop()?, self.pop()?);
                match (&self.nodes[name], &self.nodes[arguments]) {
                    (Node::Name(Name::PillowImage), Node::Tuple(arguments)) if arguments.is_empty() => {
                        self.push(Node::Image(None))
                    }
                    _ => Err(Problem::Forbidden("a new object".to_owned())),
                }
            }
            op::BUILD => {
                let state = self.pop()?;
                let top = *self.stack.last().ok_or(Problem::Stack)?;
                match self.nodes[top] {
                    Node::Image(_) => {
                        self.nodes[top] = Node::Image(Some(pillow::image_of(&self.nodes, state)?));
                        Ok(())
                    }
                    _ => numpy::build(&mut self.nodes, top, state),
                }
            }
            _ => self.collect(opcode),
        }
    }

    /// Opcodes of collections and of the memo.
    fn collect(&mut self, opcode: u8) -> Result<(), Problem> {
        match opcode {
            op::EMPTY_LIST => self.push(Node::List(Vec::new())),
            op::EMPTY_TUPLE => self.push(Node::Tuple(Vec::new())),
            op::EMPTY_DICT => self.push(Node::Dictionary(Vec::new())),
            op::EMPTY_SET => self.push(Node::Set(Vec::new())),
            op::LIST => self.pop_to_mark().and_then(|items| self.push(Node::List(items))),
            op::TUPLE => self.pop_to_mark().and_then(|items| self.push(Node::Tuple(items))),
            op::FROZENSET => self.pop_to_mark().and_then(|items| self.push(Node::Set(items))),
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let n = usize::from(opcode - op::TUPLE1) + 1;
                let start = self.floor_for(n)?;
                let items = self.stack.split_off(start);
                self.push(Node::Tuple(items))
            }
            op::DICT => {
                let items = self.pop_to_mark()?;
                let entries = self.entries_of(&items)?;
                self.push(Node::Dictionary(entries))
            }
            op::APPEND => self.pop().and_then(|item| self.extend(vec![item])),
            op::APPENDS | op::ADDITEMS => self.pop_to_mark().and_then(|items| self.extend(items)),
            op::SETITEM => {
                let start = self.floor_for(2)?;
                let items = self.stack.split_off(start);
                self.set_items(&items)
            }
            op::SETITEMS => self.pop_to_mark().and_then(|items| self.set_items(&items)),
            op::MEMOIZE => self.remember(self.memo.len()),
            op::PUT => self.index_line().and_then(|index| self.remember(index)),
            op::BINPUT => self.length::<1>().and_then(|index| self.remember(index)),
            op::LONG_BINPUT => self.length::<4>().and_then(|index| self.remember(index)),
            op::GET => self.index_line().and_then(|index| self.recall(index)),
            op::BINGET => self.length::<1>().and_then(|index| self.recall(index)),
            op::LONG_BINGET => self.length::<4>().and_then(|index| self.recall(index)),
            _ => Err(Problem::Opcode(opcode)),
        }
    }

    // What is read.

    fn take(&mut self, length: usize) -> Result<&[u8], Problem> {
        let end = self.at.checked_add(length).ok_or(Problem::Truncated)?;
        let found = self.body.get(self.at..end).ok_or(Problem::Truncated)?;
        self.at = end;
        Ok(found)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    /// An unsigned length or index of `N` bytes.
    fn length<const N: usize>(&mut self) -> Result<usize, Problem> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(&self.array::<N>()?);
        usize::try_from(u64::from_le_bytes(wide)).map_err(|_| Problem::Truncated)
    }

    fn line(&mut self) -> Result<&[u8], Problem> {
        let rest = self.body.get(self.at..).ok_or(Problem::Truncated)?;
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or(Problem::Truncated)?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    fn text_line(&mut self) -> Result<String, Problem> {
        let line = self.line()?;
        std::str::from_utf8(line).map(str::to_owned).map_err(|_| Problem::Text)
    }

    fn short_line(&mut self) -> Result<String, Problem> {
        let line = self.line()?;
        if line.len() > MAX_NUMBER_BYTES {
            return Err(Problem::Number);
        }
        std::str::from_utf8(line).map(str::to_owned).map_err(|_| Problem::Number)
    }

    fn index_line(&mut self) -> Result<usize, Problem> {
        self.short_line()?.parse().map_err(|_| Problem::Number)
    }

    fn number_line(&mut self, opcode: u8) -> Result<(), Problem> {
        let line = self.short_line()?;
        self.push(match (opcode, line.as_str()) {
            (op::INT, "00") => Node::Bool(false),
            (op::INT, "01") => Node::Bool(true),
            (op::FLOAT, text) => Node::Float(text.trim().parse().map_err(|_| Problem::Number)?),
            (_, text) => Node::Integer(text.trim_end_matches('L').parse().map_err(|_| Problem::Number)?),
        })
    }

    /// A number in two's complement, lowest byte first.
    fn long(&mut self, length: usize) -> Result<(), Problem> {
        let bytes = self.take(length)?;
        match bytes.len() {
            0..=8 => {}
            9..=MAX_NUMBER_BYTES => return self.push(Node::Huge),
            _ => return Err(Problem::Number),
        }
        let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if is_negative { 0xff } else { 0 }; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        self.push(Node::Integer(i64::from_le_bytes(wide)))
    }

    fn text(&mut self, length: usize) -> Result<(), Problem> {
        let text = text_of(self.take(length)?);
        self.push(Node::Text(text))
    }

    fn bytes(&mut self, length: usize) -> Result<(), Problem> {
        let bytes = Arc::from(self.take(length)?);
        self.push(Node::Bytes(bytes))
    }

    // The stack and the memo.

    fn push(&mut self, node: Node) -> Result<(), Problem> {
        self.push_id(self.nodes.len())?;
        self.nodes.push(node);
        Ok(())
    }

    fn push_id(&mut self, id: Id) -> Result<(), Problem> {
        self.n_pushed += 1;
        if self.n_pushed > MAX_NODES {
            return Err(Problem::TooMuch);
        }
        self.stack.push(id);
        Ok(())
    }

    /// Where the uppermost `n` values begin, which must not reach below the last mark.
    fn floor_for(&self, n: usize) -> Result<usize, Problem> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack.len().checked_sub(n).filter(|start| *start >= floor).ok_or(Problem::Stack)
    }

    fn pop(&mut self) -> Result<Id, Problem> {
        self.floor_for(1)?;
        self.stack.pop().ok_or(Problem::Stack)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Problem> {
        let mark = self.marks.pop().ok_or(Problem::Stack)?;
        Ok(self.stack.split_off(mark))
    }

    fn pop_text(&mut self) -> Result<Arc<str>, Problem> {
        let id = self.pop()?;
        match &self.nodes[id] {
            Node::Text(text) => Ok(Arc::clone(text)),
            _ => Err(Problem::Text),
        }
    }

    fn remember(&mut self, index: usize) -> Result<(), Problem> {
        let top = *self.stack.last().ok_or(Problem::Stack)?;
        if index > MAX_NODES {
            return Err(Problem::TooMuch);
        }
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, index: usize) -> Result<(), Problem> {
        let id = *self.memo.get(&index).ok_or(Problem::Memo)?;
        self.push_id(id)
    }

    // Collections.

    fn extend(&mut self, items: Vec<Id>) -> Result<(), Problem> {
        let top = *self.stack.last().ok_or(Problem::Stack)?;
        match &mut self.nodes[top] {
            Node::List(list) | Node::Set(list) => {
                list.extend(items);
                Ok(())
            }
            _ => Err(Problem::Stack),
        }
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), Problem> {
        let entries = self.entries_of(items)?;
        let top = *self.stack.last().ok_or(Problem::Stack)?;
        match &mut self.nodes[top] {
            Node::Dictionary(dictionary) => {
                dictionary.extend(entries);
                Ok(())
            }
            _ => Err(Problem::Stack),
        }
    }

    fn entries_of(&self, items: &[Id]) -> Result<Vec<(Id, Id)>, Problem> {
        let (pairs, []) = items.as_chunks::<2>() else { return Err(Problem::Stack) };
        let entry = |[key, value]: &[Id; 2]| match self.nodes[*key] {
            Node::List(_) | Node::Dictionary(_) | Node::Set(_) | Node::Array(_) | Node::Image(_) => {
                Err(Problem::Key)
            }
            _ => Ok((*key, *value)),
        };
        pairs.iter().map(entry).collect()
    }

    // Calls, each of which is done here.

    fn call(&self, name: Id, arguments: Id) -> Result<Node, Problem> {
        let (Node::Name(name), Node::Tuple(arguments)) = (&self.nodes[name], &self.nodes[arguments]) else {
            return Err(Problem::Forbidden("a call of a value".to_owned()));
        };
        let arguments: Vec<&Node> = arguments.iter().map(|id| &self.nodes[*id]).collect();
        match (name, arguments.as_slice()) {
            (Name::CodecsEncode | Name::ByteArray, [Node::Text(text), Node::Text(codec)])
                if matches!(&**codec, "latin1" | "latin-1") =>
            {
                latin1(text).map(Node::Bytes)
            }
            (Name::ByteArray, []) => Ok(Node::Bytes(Arc::from([]))),
            (Name::ByteArray, [Node::Bytes(bytes)]) => Ok(Node::Bytes(Arc::clone(bytes))),
            (Name::OrderedDict, []) => Ok(Node::Dictionary(Vec::new())),
            (Name::OrderedDict, [Node::List(pairs)]) => self.dictionary_of(pairs),
            (Name::Reconstruct, [Node::Name(Name::Ndarray), Node::Tuple(_), Node::Bytes(_)]) => {
                Ok(Node::Array(Array::default()))
            }
            (Name::Dtype, [Node::Text(code), ..]) => Element::parse(code).map(Node::Element),
            (Name::Scalar, [Node::Element(element), Node::Bytes(bytes)]) => numpy::scalar(*element, bytes),
            (name, _) => Err(Problem::Forbidden(format!("{name:?} with these arguments"))),
        }
    }

    /// Protocols 0 and 1 give the pairs at once.
    fn dictionary_of(&self, pairs: &[Id]) -> Result<Node, Problem> {
        let pair = |id: &Id| match &self.nodes[*id] {
            Node::List(pair) | Node::Tuple(pair) => Ok(pair.as_slice()),
            _ => Err(Problem::Stack),
        };
        let pairs: Vec<&[Id]> = pairs.iter().map(pair).collect::<Result<_, _>>()?;
        self.entries_of(&pairs.concat()).map(Node::Dictionary)
    }

    /// The finished value. What is named often is counted as often, since it grows here.
    fn value_of(&self, id: Id, depth: usize, left: &mut usize) -> Result<Value, Problem> {
        if depth > MAX_DEPTH {
            return Err(Problem::TooDeep);
        }
        *left = left.checked_sub(1).ok_or(Problem::TooMuch)?;
        Ok(match &self.nodes[id] {
            Node::None => Value::None,
            Node::Bool(value) => Value::Bool(*value),
            Node::Integer(value) => Value::Integer(*value),
            Node::Huge => Value::Huge,
            Node::Float(value) => Value::Float(*value),
            Node::Text(text) => Value::Text(Arc::clone(text)),
            Node::Bytes(bytes) => Value::Bytes(Arc::clone(bytes)),
            Node::List(items) | Node::Tuple(items) | Node::Set(items) => {
                let item = |id: &Id| self.value_of(*id, depth + 1, left);
                Value::List(items.iter().map(item).collect::<Result<_, _>>()?)
            }
            Node::Dictionary(entries) => {
                let mut values = Vec::new();
                for (key, value) in entries {
                    values.push((
                        self.value_of(*key, depth + 1, left)?,
                        self.value_of(*value, depth + 1, left)?,
                    ));
                }
                Value::Dictionary(values)
            }
            Node::Array(array) => match array.items.as_ref().ok_or(Problem::Array("it has no content"))? {
                numpy::Items::Objects(list) => self.value_of(*list, depth + 1, left)?,
                numpy::Items::Values(values) => {
                    *left = left.checked_sub(values.len()).ok_or(Problem::TooMuch)?;
                    Value::List(values.clone())
                }
            },
            Node::Image(image) => Value::Image(
                image.clone().ok_or_else(|| Problem::Forbidden("an image without pixels".to_owned()))?,
            ),
            Node::Name(name) => return Err(Problem::Forbidden(format!("{name:?} as a value"))),
            Node::Element(_) => return Err(Problem::Forbidden("a dtype as a value".to_owned())),
        })
    }
}

fn latin1(text: &str) -> Result<Arc<[u8]>, Problem> {
    text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| Problem::Text)).collect()
}

/// UTF-8 in which Python may have written lone surrogates.
fn text_of(bytes: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(bytes).into()
}

/// The text of protocol 0: Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
fn raw_unicode_escape(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let n_digits = match (first, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(first));
                continue;
            }
        };
        let digits = std::str::from_utf8(after.get(1..=n_digits)?).ok()?;
        let code = u32::from_str_radix(digits, 16).ok()?;
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &after[n_digits + 1..];
    }
    Some(text)
}
