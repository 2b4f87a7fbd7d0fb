//! One page of a list, and the opaque cursor that names where the next begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ServiceError;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Names the place after the last item, if there are more: opaque to callers.
    pub next: Option<String>,
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The place to go on from.
    pub cursor: Option<String>,
    /// How many items at most.
    pub limit: i64,
}

impl PageRequest {
    /// The key after which this page begins.
    pub(crate) fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, ServiceError> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| ServiceError::InvalidCursor)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| ServiceError::InvalidCursor)
    }

    /// Makes a page of rows that were fetched with a limit of one more than was asked for.
    pub(crate) fn page<T, K: Serialize>(
        &self,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<Page<T>, ServiceError> {
        let limit = usize::try_from(self.limit).map_err(ServiceError::internal)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last() {
            Some(last) if more => {
                let key = serde_json::to_vec(&key(last)).map_err(ServiceError::internal)?;
                Some(URL_SAFE_NO_PAD.encode(key))
            }
            _ => None,
        };
        Ok(Page { items: rows, next })
    }

    /// How many rows to fetch, to know whether there are more.
    pub(crate) fn fetch(&self) -> i64 {
        self.limit + 1
    }
}

impl<T> Page<T> {
    /// The page with its items turned into others.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }

    /// The page with its items turned into others, or why one cannot be.
    pub fn try_map<U, E>(self, f: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        let items = self.items.into_iter().map(f).collect::<Result<_, _>>()?;
        Ok(Page { items, next: self.next })
    }
}
