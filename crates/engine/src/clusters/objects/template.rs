//! Pod templates: containers with their sizes and ports, and the ConfigMaps, Secrets and claims that they refer to.

use domain::changes::plan::VERSION_LABEL;
use domain::clusters::{Container, References};
use domain::releases::ImageRef;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Template {
    pub metadata: TemplateMetadata,
    pub spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TemplateMetadata {
    pub labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl TemplateMetadata {
    /// What CI noted of the build. Notes outlive a change of the image by hand, so they count only while the version label,
    /// which CI sets with them, is the image's tag.
    pub fn note(&self, key: &str, containers: &[Container]) -> Option<String> {
        let version = self.labels.get(VERSION_LABEL)?;
        let same = containers.iter().any(|c| ImageRef::parse(&c.image).and_then(|image| image.tag).as_ref() == Some(version));
        same.then(|| self.annotations.get(key).cloned())?
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodSpec {
    containers: Vec<ContainerSpec>,
    init_containers: Vec<ContainerSpec>,
    volumes: Vec<Volume>,
    pub node_name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerSpec {
    name: String,
    image: String,
    ports: Vec<Port>,
    resources: Resources,
    env: Vec<Variable>,
    env_from: Vec<Source>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Port {
    container_port: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    limits: BTreeMap<String, Value>,
    requests: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Variable {
    value_from: Option<Source>,
}

/// What refers to a ConfigMap or a Secret: from a variable, from all variables, from a volume.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Source {
    #[serde(alias = "configMapKeyRef", alias = "configMapRef")]
    config_map: Option<Named>,
    #[serde(alias = "secretKeyRef", alias = "secretRef")]
    secret: Option<Named>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Named {
    #[serde(alias = "secretName")]
    name: String,
    optional: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Volume {
    #[serde(flatten)]
    source: Source,
    projected: Option<Projected>,
    persistent_volume_claim: Option<ClaimRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Projected {
    sources: Vec<Source>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ClaimRef {
    claim_name: String,
}

impl PodSpec {
    pub fn images(&self) -> Vec<String> {
        self.containers.iter().map(|container| container.image.clone()).collect()
    }
}

pub(super) fn containers(template: Template) -> Vec<Container> {
    template.spec.containers.into_iter().map(container).collect()
}

fn container(spec: ContainerSpec) -> Container {
    let size = |key: &str| spec.resources.limits.get(key).or(spec.resources.requests.get(key)).map(quantity);
    Container {
        cpu: size("cpu"),
        memory: size("memory"),
        ports: spec.ports.iter().map(|port| port.container_port).collect(),
        name: spec.name,
        image: spec.image,
    }
}

/// A quantity may be written as a number.
pub(super) fn quantity(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same of a pod's spec as it was read elsewhere.
pub fn references_of(spec: &Value) -> References {
    PodSpec::deserialize(spec).map(|spec| references(&spec)).unwrap_or_default()
}

/// The ConfigMaps, Secrets and claims that pods of this template need, by name.
pub(super) fn references(spec: &PodSpec) -> References {
    let containers = || spec.containers.iter().chain(&spec.init_containers);
    let variables = containers().flat_map(|c| c.env.iter().filter_map(|variable| variable.value_from.as_ref()).chain(&c.env_from));
    let projected = spec.volumes.iter().filter_map(|volume| volume.projected.as_ref()).flat_map(|projected| &projected.sources);
    let mut found = References::default();
    for source in variables.chain(spec.volumes.iter().map(|volume| &volume.source)).chain(projected) {
        if let Some(map) = &source.config_map {
            found.config_maps.insert(map.name.clone());
            if map.optional {
                found.optional.insert(map.name.clone());
            }
        }
        found.secrets.extend(source.secret.as_ref().map(|secret| secret.name.clone()));
    }
    found.claims = spec.volumes.iter().filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone())).collect();
    found
}
