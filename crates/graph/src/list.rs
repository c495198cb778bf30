//! Collections: query options, pages and their sealed places, and the answer's frame.

use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::{Call, key_value},
    work::search::NotSearched,
};
use carnet_tenant::{access::Caller, refusal::Refusal};
use carnet_wire::{graph::query::Query, jose};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Largest JSON body.
const LARGEST: usize = 1024 * 1024;
/// Most bytes of the items of one page (`security.md`, row 143).
const LARGEST_PAGE: usize = 4 * 1024 * 1024;

/// Reads a JSON object of a request. No body at all is the empty object.
pub(super) async fn body(call: &mut Call) -> Result<Map<String, Value>, Failure> {
    let media = call.header("content-type").unwrap_or_default().to_owned();
    let bytes = call.read(LARGEST).await?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Failure::Unsupported("application/json"));
    }
    let wrong =
        "Unable to read JSON request payload. Send one JSON object, nested at most 32 deep, each name once.";
    jose::object(&bytes).map_err(|_| Refusal::BadRequest { message: wrong.into(), target: None }.into())
}

/// What a path names: an object id, or an alternate key `name='value'`.
pub(super) fn key<'a>(call: &'a Call, alternate: &str) -> Result<Key<'a>, Refusal> {
    let text = call.variable(0);
    let keyed = call.head.uri.path().rsplit_once('(').is_some() && text.contains('=');
    match key_value(text, alternate).filter(|_| keyed) {
        Some(value) => Ok(Key::Alternate(value)),
        None if keyed => {
            Err(Refusal::BadRequest { message: format!("the key `{text}` is not known"), target: None })
        }
        None => Ok(Key::Id(text)),
    }
}

/// See [`key`].
pub(super) enum Key<'a> {
    Id(&'a str),
    Alternate(std::borrow::Cow<'a, str>),
}

/// Makes a list's answer on the search threads: what it costs grows with the directory and with the filter.
///
/// # Errors
/// What `list` gives; [`Refusal::Busy`] when too many searches wait.
pub(super) async fn searched(
    cx: Context,
    called: Called,
    list: impl FnOnce(&Context, &Called) -> Result<Reply, Failure> + Send + 'static,
) -> Result<Reply, Failure> {
    let caller = match &called.caller {
        Caller::User { user, .. } => user.uuid(),
        Caller::Application { principal, .. } => principal.uuid(),
        Caller::Operator { .. } => Uuid::nil(),
    };
    let searcher = cx.state.searcher.clone();
    let found = searcher.search(caller, move || list(&cx, &called)).await;
    found.unwrap_or_else(|why| {
        Err(match why {
            NotSearched::Busy => Refusal::Busy { seconds: 1 }.into(),
            NotSearched::Panicked => Failure::Broken("a search panicked".into()),
        })
    })
}

/// One page on its way.
pub(super) struct Page {
    /// The options.
    pub(super) query: Query,
    path: String,
    raw: String,
}

impl Page {
    /// Reads the options of a call; filters may speak of these properties.
    pub(super) fn of(call: &Call, filterable: &[&str]) -> Result<Self, Failure> {
        let query = Query::parse(call.query())?;
        let named = query.filter.iter().flat_map(|filter| filter.properties());
        for name in named {
            if !filterable.iter().any(|it| it.eq_ignore_ascii_case(name)) {
                let name: String = name.chars().take(80).collect();
                let message =
                    format!("Unsupported or invalid query filter clause specified for property '{name}'.");
                return Err(Refusal::UnsupportedQuery { message }.into());
            }
        }
        let token = |part: &&str| {
            !part
                .to_ascii_lowercase()
                .trim_start_matches("%24")
                .trim_start_matches('$')
                .starts_with("skiptoken=")
        };
        let raw: Vec<&str> = call.query().split('&').filter(|part| !part.is_empty()).filter(token).collect();
        Ok(Self { query, path: call.head.uri.path().to_owned(), raw: raw.join("&") })
    }

    /// The text that the filter demands of a property, for a look-up instead of a search.
    pub(super) fn only(&self, property: &str) -> Option<&str> {
        self.query.filter.as_ref()?.only(property)
    }

    /// The object passes the filter.
    pub(super) fn passes(&self, object: &Value) -> bool {
        self.query.filter.as_ref().is_none_or(|filter| filter.matches(object))
    }

    /// The key after which this page begins.
    pub(super) fn after(&self, cx: &Context) -> Result<Option<String>, Refusal> {
        let Some(token) = &self.query.skip_token else { return Ok(None) };
        let place = cx.state.store.open_place(&[&cx.envelope.tenant_text(), &self.path, &self.raw], token);
        place.map(Some).ok_or_else(|| Refusal::BadRequest {
            message: "the $skiptoken is not one of this query".into(),
            target: None,
        })
    }

    /// The answer with the items that follow the page's beginning, each with its key. Nothing follows the last
    /// of them.
    pub(super) fn reply(
        &self,
        cx: &Context,
        kind: &str,
        items: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Reply, Failure> {
        self.reply_until(cx, kind, items, None)
    }

    /// The answer with the items that follow the page's beginning, each with its key. `stopped` is the key after
    /// which their source was not read further; `None`: it was read to its end. A page ends after `$top` items or
    /// at [`LARGEST_PAGE`] bytes, and there is a next one as long as the source goes on, even if this page is
    /// short: a filter may have let few through.
    pub(super) fn reply_until(
        &self,
        cx: &Context,
        kind: &str,
        items: impl IntoIterator<Item = (String, Value)>,
        stopped: Option<String>,
    ) -> Result<Reply, Failure> {
        let root = format!("{}/v1.0", cx.envelope.origin.graph());
        let mut answer = Frame::begin(&format!("{root}/$metadata#{kind}"))?;
        let (mut count, mut last, mut next) = (0, None, stopped);
        for (key, item) in items {
            // One item more than there is room for: this page ends before it. The first one always fits.
            let fits = count < self.query.top && answer.add(&self.query.selected(item), LARGEST_PAGE)?;
            if !fits {
                next = last;
                break;
            }
            (count, last) = (count + 1, Some(key));
        }
        let counted = self.query.count && self.query.skip_token.is_none() && next.is_none();
        let next = next.map(|last| self.link(cx, &last)).transpose()?;
        Ok(Reply::json_text(answer.end(counted.then_some(count), next.as_deref())?))
    }

    /// The address of the page that begins after this key.
    fn link(&self, cx: &Context, last: &str) -> Result<String, Failure> {
        let token = cx.state.store.seal_place(&[&cx.envelope.tenant_text(), &self.path, &self.raw], last)?;
        let join = if self.raw.is_empty() { "" } else { "&" };
        Ok(format!("{}{}?{}{join}$skiptoken={token}", cx.envelope.origin.graph(), self.path, self.raw))
    }
}

/// The text of a list's answer, written into one buffer: pages are large.
struct Frame {
    text: Vec<u8>,
    /// Where the items begin.
    start: usize,
}

impl Frame {
    fn begin(context: &str) -> Result<Self, Failure> {
        let mut text = b"{\"@odata.context\":".to_vec();
        write(&mut text, context)?;
        text.extend_from_slice(b",\"value\":[");
        Ok(Self { start: text.len(), text })
    }

    /// Adds an item, unless the items would be longer than `most` bytes together. The first one always fits.
    fn add(&mut self, item: &Value, most: usize) -> Result<bool, Failure> {
        let end = self.text.len();
        let first = end == self.start;
        if !first {
            self.text.push(b',');
        }
        write(&mut self.text, item)?;
        let fits = first || self.text.len() - self.start <= most;
        if !fits {
            self.text.truncate(end);
        }
        Ok(fits)
    }

    /// Closes the list and adds its count and the address of the next page.
    fn end(mut self, count: Option<usize>, next: Option<&str>) -> Result<Vec<u8>, Failure> {
        self.text.push(b']');
        if let Some(count) = count {
            self.text.extend_from_slice(b",\"@odata.count\":");
            write(&mut self.text, &count)?;
        }
        if let Some(next) = next {
            self.text.extend_from_slice(b",\"@odata.nextLink\":");
            write(&mut self.text, next)?;
        }
        self.text.push(b'}');
        Ok(self.text)
    }
}

fn write(text: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) -> Result<(), Failure> {
    serde_json::to_writer(text, value).map_err(|error| Failure::Broken(error.to_string()))
}

/// The answer for one object, with its context and what `$select` leaves of it.
pub(super) fn entity(cx: &Context, call: &Call, kind: &str, object: Value) -> Result<Reply, Failure> {
    Reply::json(&framed(cx, kind, Query::parse(call.query())?.selected(object)))
}

/// An object with its context.
pub(super) fn framed(cx: &Context, kind: &str, object: Value) -> Value {
    let context = format!("{}/v1.0/$metadata#{kind}/$entity", cx.envelope.origin.graph());
    let mut framed = json!({ "@odata.context": context });
    if let (Value::Object(frame), Value::Object(members)) = (&mut framed, object) {
        frame.extend(members);
    }
    framed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[Value], most: usize, count: Option<usize>, next: Option<&str>) -> Value {
        let mut frame = Frame::begin("http://a/$metadata#\"x\"").unwrap();
        for item in items {
            if !frame.add(item, most).unwrap() {
                break;
            }
        }
        serde_json::from_slice(&frame.end(count, next).unwrap()).unwrap()
    }

    #[test]
    fn a_list_has_its_items_its_count_and_its_next_page() {
        let context = "http://a/$metadata#\"x\"";
        assert_eq!(list(&[], 9, None, None), json!({ "@odata.context": context, "value": [] }));
        assert_eq!(
            list(&[json!(1), json!({ "a": "}" })], 99, Some(2), Some("http://a?\"")),
            json!({
                "@odata.context": context,
                "value": [1, { "a": "}" }],
                "@odata.count": 2,
                "@odata.nextLink": "http://a?\"",
            })
        );
    }

    #[test]
    fn a_list_ends_before_the_item_that_makes_it_too_long_row_143() {
        let value = |items: &[Value], most| list(items, most, None, None)["value"].clone();
        assert_eq!(value(&[json!(12), json!(34), json!(56)], 8), json!([12, 34, 56]));
        assert_eq!(value(&[json!(12), json!(34), json!(56)], 7), json!([12, 34]));
        assert_eq!(
            value(&[json!("a long one"), json!(1)], 4),
            json!(["a long one"]),
            "the first one always fits"
        );
    }
}
