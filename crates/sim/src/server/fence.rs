//! The portal's ValidatingAdmissionPolicy (deploy/kubernetes/fence.yaml), for clusters that a test lets look at fences: a write of its
//! field manager with a lower fence than the object's is refused. Nobody signs in here, so the manager stands for the identity.

use super::ask::{Ask, Target};
use crate::edit::{self, PatchKind, Terms};
use crate::object;
use crate::state::State;
use crate::status::Status;
use serde_json::Value;

const TOO_LARGE: i64 = 1_000_000_000_000_000;
const MANAGER: &str = "devmatrix-portal";
const ANNOTATION: &str = "/metadata/annotations/portal.devmatrix.io~1fence";

/// None: it may pass. What fails for another reason passes too: that is said where the write is made.
pub(super) fn refusal(state: &mut State, ask: &Ask, target: &Target, terms: &Terms) -> Option<Status> {
    if ask.verb() != "patch" || !target.subresource.is_empty() || terms.dry_run || ask.param("fieldManager") != MANAGER {
        return None;
    }
    let key = target.key();
    // What somebody else wrote there and is too large to be a fence stops nobody.
    let old = fence(state.get(&key)?.as_ref()).filter(|old| *old < TOO_LARGE);
    let dry = Terms { dry_run: true, ..terms.clone() };
    let patched = edit::patch(state, &key, PatchKind::of(&ask.content_type).ok()?, &ask.json().ok()?, &dry).ok()?;
    let new = fence(&patched);
    let why = match (old, new) {
        (_, None) => "portal.devmatrix.io/fence is missing".to_owned(),
        (Some(old), Some(new)) if new < old => format!("portal.devmatrix.io/fence {new} is lower than that of the last write, {old}"),
        _ => return None,
    };
    let (resource, name) = (target.resource.plural(), &target.name);
    let policy = "ValidatingAdmissionPolicy 'devmatrix-portal-fence' with binding 'devmatrix-portal-fence' denied request";
    Some(Status::new(403, "Forbidden", format!("{resource} \"{name}\" is forbidden: {policy}: {why}")))
}

fn fence(object: &Value) -> Option<i64> {
    object::text(object, ANNOTATION).parse().ok()
}
