//! Reads and writes of single ConfigMaps: what a revision's hold, and what a rollback brings back.

use super::Cluster;
use super::live::{FIELD_MANAGER, WriteAnswer};
use crate::error::Result;
use domain::changes::{ConfigWrite, PatchKind};
use domain::names::ObjectName;
use serde_json::Value;

impl Cluster {
    /// None: there is none. Names come from pod templates too, where an API server has not looked at them; no object is called what is
    /// not the name of one.
    pub async fn config_map(&self, namespace: &str, name: &str) -> Result<Option<Value>> {
        if ObjectName::parse("name", name).is_err() {
            return Ok(None);
        }
        self.get_path(&format!("{}/{name}", path(namespace))).await
    }

    /// The ConfigMaps that a pod template refers to, each with what it holds; None where there is none of the name.
    pub async fn config_maps(&self, namespace: &str, template: &Value) -> Result<Vec<(String, Option<Value>)>> {
        let names = super::objects::references_of(&template["spec"]).config_maps;
        let mut maps = Vec::with_capacity(names.len());
        for name in names {
            let held = self.config_map(namespace, &name).await?.map(|object| held(&object));
            maps.push((name, held));
        }
        Ok(maps)
    }

    /// Sends these bytes, a patch or a new ConfigMap. `dry`: nothing is stored.
    pub async fn write_config(&self, namespace: &str, write: &ConfigWrite, bytes: &str, dry: bool) -> WriteAnswer {
        let dry = if dry { "&dryRun=All" } else { "" };
        let options = format!("fieldManager={FIELD_MANAGER}&fieldValidation=Strict{dry}");
        let (request, kind) = match write.uid {
            Some(_) => {
                (http::Request::patch(format!("{}/{}?{options}", path(namespace), write.name)), PatchKind::StrategicMerge.content_type())
            }
            None => (http::Request::post(format!("{}?{options}", path(namespace))), "application/json"),
        };
        let request = request.header("content-type", kind).header("accept", "application/json");
        self.send(request.body(bytes.as_bytes().to_vec())).await
    }
}

/// What a ConfigMap holds, as it is written down.
pub fn held(object: &Value) -> Value {
    serde_json::json!({"data": object["data"], "binaryData": object["binaryData"]})
}

fn path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps")
}
