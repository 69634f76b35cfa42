//! From the values that the program works with to the forms that are written, and back.

/// A form that is written for a value of type `Value`.
pub(super) trait Held<Value> {
    fn hold(value: Value) -> Self;
    fn release(self) -> Value;
}

/// Types that are written as they are.
macro_rules! held_as_they_are {
    ($($kind:ty),* $(,)?) => {$(
        impl Held<$kind> for $kind {
            fn hold(value: $kind) -> Self {
                value
            }

            fn release(self) -> $kind {
                self
            }
        }
    )*};
}

held_as_they_are!(
    bool,
    u8,
    u32,
    u64,
    usize,
    f64,
    String,
    [usize; 10],
    imgeval_vision::train::EpochRecord,
    imgeval_vision::train::Framing,
    imgeval_vision::train::NetworkDescription,
);

impl<Value, Form: Held<Value>> Held<Vec<Value>> for Vec<Form> {
    fn hold(values: Vec<Value>) -> Self {
        values.into_iter().map(Form::hold).collect()
    }

    fn release(self) -> Vec<Value> {
        self.into_iter().map(Form::release).collect()
    }
}

impl<Value, Form: Held<Value>> Held<Option<Value>> for Option<Form> {
    fn hold(value: Option<Value>) -> Self {
        value.map(Form::hold)
    }

    fn release(self) -> Option<Value> {
        self.map(Form::release)
    }
}

/// Declares the written form of a struct: its fields by name, in the order in which they are written.
macro_rules! record {
    ($(#[$note:meta])* $visibility:vis $record:ident of $value:ident { $($field:ident: $kind:ty,)* }) => {
        $(#[$note])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        $visibility struct $record {
            $($field: $kind,)*
        }

        impl Held<$value> for $record {
            fn hold(value: $value) -> Self {
                Self { $($field: Held::hold(value.$field),)* }
            }

            fn release(self) -> $value {
                $value { $($field: Held::release(self.$field),)* }
            }
        }
    };
}

/// Declares the written form of an enum without fields: each value is its name in kebab case.
macro_rules! code_record {
    ($record:ident of $value:ident { $($variant:ident,)* }) => {
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum $record {
            $($variant,)*
        }

        impl Held<$value> for $record {
            fn hold(value: $value) -> Self {
                match value {
                    $($value::$variant => Self::$variant,)*
                }
            }

            fn release(self) -> $value {
                match self {
                    $(Self::$variant => $value::$variant,)*
                }
            }
        }
    };
}

pub(super) use {code_record, record};
