//! What is refused for the object's sake: 422 with the fields, in the server's words.

use crate::objects::{IMAGE, config_map, daemonset, deployment, job, statefulset, with};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(what_is_invalid_is_named_by_its_field),
    case!(several_faults_are_told_together),
    case!(a_name_has_to_be_a_name),
    case!(a_selector_is_immutable),
    case!(a_statefulset_keeps_most_of_its_spec),
    case!(a_job_keeps_its_template),
    case!(a_wrong_type_is_refused_by_the_decoder),
];

async fn what_is_invalid_is_named_by_its_field(world: World) {
    const CONTAINERS: &str = "/spec/template/spec/containers";
    let strategy = |value: Value| vec![("/spec/strategy", value)];
    for (object, changes, field, reason) in [
        (deployment("a", "1", 1), vec![("/spec/replicas", json!(-1))], "spec.replicas", "FieldValueInvalid"),
        (deployment("a", "1", 1), vec![(CONTAINERS, json!([]))], "spec.template.spec.containers", "FieldValueRequired"),
        (deployment("a", "1", 1), vec![(IMAGE, json!(""))], "spec.template.spec.containers[0].image", "FieldValueRequired"),
        (
            deployment("a", "1", 1),
            vec![("/spec/template/metadata/labels/app", json!("other"))],
            "spec.template.metadata.labels",
            "FieldValueInvalid",
        ),
        (
            deployment("a", "1", 1),
            strategy(json!({ "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 0 } })),
            "spec.strategy.rollingUpdate.maxUnavailable",
            "FieldValueInvalid",
        ),
        (
            deployment("a", "1", 1),
            strategy(json!({ "type": "Recreate", "rollingUpdate": { "maxSurge": 1 } })),
            "spec.strategy.rollingUpdate",
            "FieldValueForbidden",
        ),
        (deployment("a", "1", 1), strategy(json!({ "type": "Sudden" })), "spec.strategy", "FieldValueNotSupported"),
        (deployment("a", "1", 1), vec![("/spec/progressDeadlineSeconds", json!(0))], "spec.progressDeadlineSeconds", "FieldValueInvalid"),
        (
            deployment("a", "1", 1),
            vec![("/spec/template/spec/restartPolicy", json!("Never"))],
            "spec.template.spec.restartPolicy",
            "FieldValueNotSupported",
        ),
        (statefulset("a", "1", 1), vec![("/spec/replicas", json!(-1))], "spec.replicas", "FieldValueInvalid"),
        (daemonset("a", "1"), vec![(CONTAINERS, json!([]))], "spec.template.spec.containers", "FieldValueRequired"),
        (
            job("a", "1"),
            vec![("/spec/template/spec/restartPolicy", json!("Always"))],
            "spec.template.spec.restartPolicy",
            "FieldValueRequired",
        ),
        (job("a", "1"), vec![(IMAGE, json!(""))], "spec.template.spec.containers[0].image", "FieldValueRequired"),
    ] {
        let kind = object["kind"].as_str().unwrap().to_owned();
        let answer = world.post(&world.path(&format!("{}s", kind.to_lowercase())), &with(object, &changes)).await;
        assert_eq!(answer.code, 422, "{changes:?}");
        assert_eq!(answer.refusal(), (422, "Invalid"), "{changes:?}");
        let group = if kind == "Job" { "batch" } else { "apps" };
        assert!(answer.message().starts_with(&format!("{kind}.{group} \"a\" is invalid: ")), "{}", answer.message());
        let causes = answer.body["details"]["causes"].as_array().unwrap();
        let found = causes.iter().any(|it| it["field"] == field && it["reason"] == reason);
        assert!(found, "{field} {reason}: {causes:?}");
    }
}

async fn several_faults_are_told_together(world: World) {
    let object = with(deployment("a", "1", -1), &[(IMAGE, json!(""))]);
    let answer = world.post(&world.path("deployments"), &object).await;
    let words = "Deployment.apps \"a\" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, \
                 spec.template.spec.containers[0].image: Required value]";
    assert_eq!((answer.refusal(), answer.message()), ((422, "Invalid"), words));
    assert_eq!(answer.body["details"]["kind"], "Deployment");
}

async fn a_name_has_to_be_a_name(world: World) {
    for wrong in ["Upper", "under_score", "-dash", "dot.", ""] {
        let answer = world.post(&world.path("configmaps"), &config_map(wrong, json!({}))).await;
        assert_eq!(answer.refusal(), (422, "Invalid"), "{wrong}");
        assert!(answer.message().contains("metadata.name: "), "{}", answer.message());
    }
}

async fn a_selector_is_immutable(world: World) {
    for (collection, object) in
        [("deployments", deployment("a", "1", 0)), ("statefulsets", statefulset("a", "1", 0)), ("daemonsets", daemonset("a", "1"))]
    {
        world.create(collection, object).await;
        let change = json!({ "spec": {
            "selector": { "matchLabels": { "app": "b" } }, "template": { "metadata": { "labels": { "app": "b" } } },
        } });
        let answer = world.patch(&world.path(&format!("{collection}/a")), "merge", &change).await;
        assert_eq!(answer.refusal(), (422, "Invalid"), "{collection}");
        let expected = if collection == "statefulsets" { "spec: Forbidden: updates to statefulset spec" } else { "field is immutable" };
        assert!(answer.message().contains(expected), "{}", answer.message());
    }
}

async fn a_statefulset_keeps_most_of_its_spec(world: World) {
    world.create("statefulsets", statefulset("a", "1", 0)).await;
    let answer = world.patch(&world.path("statefulsets/a"), "merge", &json!({ "spec": { "serviceName": "other" } })).await;
    assert_eq!(answer.refusal(), (422, "Invalid"));
    let words = "StatefulSet.apps \"a\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than \
                 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', \
                 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    assert_eq!(answer.message(), words);
    for allowed in [
        json!({ "replicas": 0 }),
        json!({ "minReadySeconds": 1 }),
        json!({ "updateStrategy": { "type": "OnDelete", "rollingUpdate": null } }),
    ] {
        world.merge("statefulsets/a", json!({ "spec": allowed })).await;
    }
}

async fn a_job_keeps_its_template(world: World) {
    world.create("jobs", job("a", "1")).await;
    let change = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "api", "image": "repo/api:2" }] } } } });
    let answer = world.patch(&world.path("jobs/a"), "strategic-merge", &change).await;
    assert_eq!(answer.refusal(), (422, "Invalid"));
    assert!(answer.message().contains("spec.template: Invalid value: "), "{}", answer.message());
    assert!(answer.message().ends_with(": field is immutable"), "{}", answer.message());
}

async fn a_wrong_type_is_refused_by_the_decoder(world: World) {
    let wrong = with(deployment("a", "1", 0), &[("/spec/replicas", json!("many"))]);
    let answer = world.post(&world.path("deployments"), &wrong).await;
    let words = "Deployment in version \"v1\" cannot be handled as a Deployment: \
                 json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32";
    assert_eq!((answer.refusal(), answer.message()), ((400, "BadRequest"), words));
    world.create("deployments", deployment("a", "1", 0)).await;
    let answer = world.patch(&world.path("deployments/a"), "merge", &json!({ "spec": { "replicas": "many" } })).await;
    assert_eq!(answer.refusal(), (422, "Invalid"));
}
