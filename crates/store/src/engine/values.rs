//! The values that SQL statements take and return: 64-bit integers, strings and bytes.

/// The SQL text of a statement, with `$1` to `$12`, which both engines understand.
pub type Sql = &'static str;

/// A parameter or a column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `bigint`
    Int(i64),
    /// `text`
    Text(String),
    /// `bytea`
    Bytes(Vec<u8>),
    /// Null, which only an outer join returns.
    Null,
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<carnet_wire::time::Timestamp> for Value {
    fn from(value: carnet_wire::time::Timestamp) -> Self {
        Self::Int(value.millis())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

macro_rules! from_id {
    ($($id:ty),*) => {$(
        impl From<$id> for Value {
            fn from(value: $id) -> Self {
                Self::Text(value.to_string())
            }
        }
    )*};
}
from_id!(carnet_wire::ids::TenantId, carnet_wire::ids::ObjectId, carnet_wire::ids::AppId, uuid::Uuid);

/// Makes a list of parameters.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::engine::Value::from($value)),*] };
}
pub(crate) use values;

/// A row that a statement returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// The integer in a column, or 0 if the column has another type.
    #[must_use]
    pub fn int(&self, column: usize) -> i64 {
        match self.0.get(column) {
            Some(Value::Int(value)) => *value,
            _ => 0,
        }
    }

    /// The string in a column, or an empty one if the column has another type.
    #[must_use]
    pub fn text(&self, column: usize) -> &str {
        match self.0.get(column) {
            Some(Value::Text(value)) => value,
            _ => "",
        }
    }

    /// The bytes in a column. `None` if the column is null or has another type.
    #[must_use]
    pub fn bytes(&self, column: usize) -> Option<&[u8]> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Some(value),
            _ => None,
        }
    }
}
