//! What the server fills in: the whole spec as it is stored, field for field.

use crate::objects::{daemonset, deployment, job, statefulset};
use crate::world::World;
use crate::{Case, case};
use serde_json::{Value, json};

pub const CASES: &[Case] = &[
    case!(of_a_deployment),
    case!(of_a_statefulset),
    case!(of_a_daemonset),
    case!(of_a_job),
    case!(of_a_cronjob),
    case!(of_a_rich_pod_template),
    case!(of_quantities),
    case!(of_a_pod),
    case!(of_a_strategy),
    case!(of_an_image_without_a_tag),
];

fn container() -> Value {
    json!({
        "name": "api", "image": "repo/api:1", "imagePullPolicy": "IfNotPresent", "resources": {},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    })
}

fn pod_spec(restart: &str, container: Value) -> Value {
    json!({
        "containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": restart, "schedulerName": "default-scheduler",
        "securityContext": {}, "terminationGracePeriodSeconds": 30,
    })
}

fn template() -> Value {
    json!({ "metadata": { "labels": { "app": "api" } }, "spec": pod_spec("Always", container()) })
}

async fn of_a_deployment(world: World) {
    let created = world.create("deployments", deployment("api", "1", 2)).await;
    let expected = json!({
        "replicas": 2, "selector": { "matchLabels": { "app": "api" } }, "template": template(),
        "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } },
        "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10,
    });
    assert_eq!(created["spec"], expected);
    let mut without = deployment("web", "1", 1);
    without["spec"].as_object_mut().unwrap().remove("replicas");
    assert_eq!(world.create("deployments", without).await["spec"]["replicas"], 1);
}

async fn of_a_statefulset(world: World) {
    let created = world.create("statefulsets", statefulset("api", "1", 2)).await;
    let expected = json!({
        "replicas": 2, "selector": { "matchLabels": { "app": "api" } }, "serviceName": "api", "template": template(),
        "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } },
        "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
        "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Retain", "whenScaled": "Retain" },
    });
    assert_eq!(created["spec"], expected);
}

async fn of_a_daemonset(world: World) {
    let created = world.create("daemonsets", daemonset("api", "1")).await;
    let expected = json!({
        "selector": { "matchLabels": { "app": "api" } }, "template": template(),
        "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 1 } },
        "revisionHistoryLimit": 10,
    });
    assert_eq!(created["spec"], expected);
}

async fn of_a_job(world: World) {
    let created = world.create("jobs", job("api", "1")).await;
    let uid = created["metadata"]["uid"].as_str().unwrap();
    let labels = json!({
        "app": "api", "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": "api",
        "controller-uid": uid, "job-name": "api",
    });
    let expected = json!({
        "backoffLimit": 6, "completionMode": "NonIndexed", "completions": 1, "parallelism": 1, "manualSelector": false,
        "podReplacementPolicy": "TerminatingOrFailed", "suspend": false,
        "selector": { "matchLabels": { "batch.kubernetes.io/controller-uid": uid } },
        "template": { "metadata": { "labels": labels }, "spec": pod_spec("Never", container()) },
    });
    assert_eq!(created["spec"], expected);
}

async fn of_a_cronjob(world: World) {
    let object = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "night" },
        "spec": { "schedule": "0 3 * * *", "suspend": true, "jobTemplate": { "spec": job("api", "1")["spec"] } },
    });
    let created = world.create("cronjobs", object).await;
    let expected = json!({
        "schedule": "0 3 * * *", "suspend": true, "concurrencyPolicy": "Allow", "failedJobsHistoryLimit": 1,
        "successfulJobsHistoryLimit": 3,
        "jobTemplate": {
            "metadata": {},
            "spec": { "template": { "metadata": { "labels": { "app": "api" } }, "spec": pod_spec("Never", container()) } },
        },
    });
    assert_eq!((&created["spec"], &created["metadata"]["generation"]), (&expected, &json!(1)));
}

async fn of_a_rich_pod_template(world: World) {
    let mut object = deployment("api", "1", 0);
    object["spec"]["template"]["spec"] = json!({
        "initContainers": [{ "name": "migrate", "image": "repo/migrate" }],
        "containers": [{
            "name": "api", "image": "repo/api:1", "ports": [{ "containerPort": 80 }],
            "readinessProbe": { "httpGet": { "port": 80 } },
            "livenessProbe": { "tcpSocket": { "port": 80 } },
            "env": [
                { "name": "A", "value": "" },
                { "name": "NODE", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } },
            ],
            "resources": { "limits": { "cpu": 2, "memory": "1024Mi" }, "requests": { "cpu": "0.5", "memory": "0.75Gi" } },
        }],
        "volumes": [{ "name": "plain" }, { "name": "settings", "configMap": { "name": "settings" } }],
        "serviceAccountName": "runner",
    });
    let stored = world.create("deployments", object).await["spec"]["template"]["spec"].clone();
    let times = json!({ "failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1 });
    let probe = |kind: &str, what: Value| {
        let mut probe = times.clone();
        probe[kind] = what;
        probe
    };
    let mut migrate = container();
    for (field, value) in [("name", "migrate"), ("image", "repo/migrate"), ("imagePullPolicy", "Always")] {
        migrate[field] = json!(value);
    }
    assert_eq!(stored["initContainers"], json!([migrate]));
    let main = &stored["containers"][0];
    assert_eq!(main["ports"], json!([{ "containerPort": 80, "protocol": "TCP" }]));
    assert_eq!(main["readinessProbe"], probe("httpGet", json!({ "path": "/", "port": 80, "scheme": "HTTP" })));
    assert_eq!(main["livenessProbe"], probe("tcpSocket", json!({ "port": 80 })));
    let node = json!({ "name": "NODE", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "spec.nodeName" } } });
    assert_eq!(main["env"], json!([{ "name": "A" }, node]));
    let resources = json!({ "limits": { "cpu": "2", "memory": "1Gi" }, "requests": { "cpu": "500m", "memory": "768Mi" } });
    assert_eq!(main["resources"], resources);
    let settings = json!({ "name": "settings", "configMap": { "defaultMode": 420, "name": "settings" } });
    assert_eq!(stored["volumes"], json!([{ "name": "plain", "emptyDir": {} }, settings]));
    assert_eq!((&stored["serviceAccountName"], &stored["serviceAccount"]), (&json!("runner"), &json!("runner")));
}

async fn of_quantities(world: World) {
    for (given, stored) in
        [("0.5", "500m"), ("1000m", "1"), ("1500m", "1500m"), ("2000", "2k"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1G", "1G")]
    {
        let mut object = deployment("api", "1", 0);
        object["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({ "limits": { "memory": given } });
        let path = format!("{}?dryRun=All", world.path("deployments"));
        let shown = world.post(&path, &object).await.ok(201);
        assert_eq!(shown["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"], stored, "{given}");
    }
}

async fn of_a_pod(world: World) {
    for (resources, stored, class) in [
        (json!({}), json!({}), "BestEffort"),
        (json!({ "limits": { "cpu": "1" } }), json!({ "limits": { "cpu": "1" }, "requests": { "cpu": "1" } }), "Burstable"),
        (
            json!({ "limits": { "cpu": "1", "memory": "1Gi" } }),
            json!({ "limits": { "cpu": "1", "memory": "1Gi" }, "requests": { "cpu": "1", "memory": "1Gi" } }),
            "Guaranteed",
        ),
    ] {
        let containers = json!([{ "name": "api", "image": "repo/api:1", "resources": resources }]);
        let object = json!({ "metadata": { "name": "one" }, "spec": { "containers": containers } });
        let shown = world.post(&format!("{}?dryRun=All", world.path("pods")), &object).await.ok(201);
        assert_eq!((&shown["spec"]["containers"][0]["resources"], &shown["status"]["qosClass"]), (&stored, &json!(class)));
        assert_eq!((&shown["status"]["phase"], &shown["spec"]["restartPolicy"]), (&json!("Pending"), &json!("Always")));
    }
}

async fn of_a_strategy(world: World) {
    for (name, given, stored) in [
        ("a", json!({ "type": "Recreate" }), json!({ "type": "Recreate" })),
        (
            "b",
            json!({ "rollingUpdate": { "maxSurge": 1 } }),
            json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": "25%" } }),
        ),
    ] {
        let mut object = deployment(name, "1", 0);
        object["spec"]["strategy"] = given;
        assert_eq!(world.create("deployments", object).await["spec"]["strategy"], stored);
    }
    let mut object = statefulset("c", "1", 0);
    object["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
    assert_eq!(world.create("statefulsets", object).await["spec"]["updateStrategy"], json!({ "type": "OnDelete" }));
}

async fn of_an_image_without_a_tag(world: World) {
    let digest = format!("repo/api@sha256:{}", "0".repeat(64));
    for (name, image, policy) in
        [("a", "repo/api", "Always"), ("b", "repo/api:latest", "Always"), ("c", "host:5000/api", "Always"), ("d", &digest, "IfNotPresent")]
    {
        let mut object = deployment(name, "1", 0);
        object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        let created = world.create("deployments", object).await;
        assert_eq!(created["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"], policy, "{image}");
    }
}
