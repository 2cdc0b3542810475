//! Whose a workload is: the tool that owns it, and who edited it last.

use super::template::quantity;
use super::{annotation, label};
use crate::clusters::live::FIELD_MANAGER;
use domain::Time;
use domain::clusters::{Edit, Manager};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use serde_json::Value;
use std::collections::BTreeMap;

/// The tool that owns it, by the marks that these tools leave.
pub(super) fn managed_by(metadata: &ObjectMeta) -> Option<Manager> {
    let has = |key: &str| annotation(metadata, key).is_some() || label(metadata, key).is_some();
    let owner = |tool: &str, gitops| Some(Manager { tool: tool.to_owned(), gitops });
    if has("argocd.argoproj.io/tracking-id") || has("argocd.argoproj.io/instance") {
        return owner("Argo CD", true);
    }
    if has("kustomize.toolkit.fluxcd.io/name") || has("helm.toolkit.fluxcd.io/name") {
        return owner("Flux", true);
    }
    let helm = label(metadata, "app.kubernetes.io/managed-by") == Some("Helm") || has("meta.helm.sh/release-name");
    if helm { owner("Helm", false) } else { None }
}

/// The same of any object, as the API server gave it.
pub fn managed(object: &Value) -> Option<Manager> {
    let metadata: ObjectMeta = serde_json::from_value(object.get("metadata")?.clone()).ok()?;
    managed_by(&metadata)
}

/// Most that a page names of an edit.
const FIELDS_AT_MOST: usize = 6;

/// The newest edit of the spec by anybody but the portal. Controllers of the cluster itself count revisions and write status only.
pub(super) fn edited(metadata: &ObjectMeta) -> Option<Edit> {
    let entries = metadata.managed_fields.as_ref()?;
    let of_spec = |entry: &&ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        matches!(entry.subresource.as_deref(), None | Some("" | "scale")) && fields.is_some_and(|fields| fields.get("f:spec").is_some())
    };
    let at = |entry: &ManagedFieldsEntry| entry.time.as_ref().map_or(Time(0), |time| Time(time.0.as_millisecond()));
    let is_ours = |entry: &&ManagedFieldsEntry| entry.manager.as_deref() == Some(FIELD_MANAGER);
    let newest = entries.iter().filter(of_spec).filter(|entry| !is_ours(entry)).max_by_key(|entry| at(entry))?;
    let mut fields = Vec::new();
    collect(newest.fields_v1.as_ref()?.0.get("f:spec")?, "", &mut fields);
    fields.truncate(FIELDS_AT_MOST);
    let ours = entries.iter().filter(of_spec).find(is_ours).map(at);
    Some(Edit {
        by: newest.manager.clone().unwrap_or_else(|| "somebody".into()),
        at: at(newest),
        fields,
        after_ours: ours.is_some_and(|ours| at(newest) > ours),
    })
}

/// Leaves of FieldsV1 as people read paths: `template.spec.containers[api].image` without what every path begins with.
fn collect(fields: &Value, path: &str, found: &mut Vec<String>) {
    let Some(map) = fields.as_object().filter(|map| map.keys().any(|key| key != ".")) else {
        let leaf = path.trim_start_matches("template.spec.").to_owned();
        return found.push(leaf);
    };
    for (key, inner) in map {
        if found.len() > FIELDS_AT_MOST {
            return;
        }
        if let Some(name) = key.strip_prefix("f:") {
            let dot = if path.is_empty() { "" } else { "." };
            collect(inner, &format!("{path}{dot}{name}"), found);
        } else if let Some(item) = key.strip_prefix("k:") {
            collect(inner, &format!("{path}[{}]", item_name(item)), found);
        }
    }
}

/// `{"name":"api"}` → `api`
fn item_name(key: &str) -> String {
    let parsed: Option<BTreeMap<String, Value>> = serde_json::from_str(key).ok();
    let value = parsed.and_then(|map| map.into_values().next());
    value.map_or_else(|| key.to_owned(), |value| quantity(&value))
}
