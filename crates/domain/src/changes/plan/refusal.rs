//! Why there is no plan: a code for scripts, a sentence for people.

use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    SourceUnhealthy,
    SourceUnverified,
    DigestUnknown,
    AlreadyRunning,
    ManagedByGitops,
    ReleaseOnHold,
    RevisionUnknown,
    WorkloadMissing,
    ClusterUnreachable,
    KindNotSupported,
    /// The environment is not promoted from there.
    PromotionPathUnknown,
    /// The API server does not accept the patch: its own words say why.
    DryRunRejected,
    IdempotencyKeyReused,
    /// Rollouts of the target are paused: what is written would not roll out.
    WorkloadPaused,
    /// An autoscaler owns the number of replicas.
    ScaledByAutoscaler,
    /// A container that is promoted with the component is not on both sides.
    ContainerMissing,
    /// The pod does not hold up its set.
    NotBlocked,
    /// A broken pod of an earlier revision holds up the set.
    HeldUp,
    /// Nothing scales the target by itself.
    NoAutoscaler,
    /// There is no CronJob of the name.
    CronJobMissing,
    /// A Job of the CronJob runs, and it forbids that two run at once.
    JobRunning,
    /// Somebody froze the environment.
    Frozen,
    /// The environment's windows are closed now.
    WindowClosed,
    /// What the ConfigMaps of the revision held was not written down.
    ConfigUnknown,
    /// A ConfigMap that would be brought back says of itself that it never changes.
    ConfigImmutable,
}

impl RefusalCode {
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalCode::SourceUnhealthy => "source_unhealthy",
            RefusalCode::SourceUnverified => "source_unverified",
            RefusalCode::DigestUnknown => "digest_unknown",
            RefusalCode::AlreadyRunning => "already_running",
            RefusalCode::ManagedByGitops => "managed_by_gitops",
            RefusalCode::ReleaseOnHold => "release_on_hold",
            RefusalCode::RevisionUnknown => "revision_unknown",
            RefusalCode::WorkloadMissing => "workload_missing",
            RefusalCode::ClusterUnreachable => "cluster_unreachable",
            RefusalCode::KindNotSupported => "kind_not_supported",
            RefusalCode::PromotionPathUnknown => "promotion_path_unknown",
            RefusalCode::DryRunRejected => "dry_run_rejected",
            RefusalCode::IdempotencyKeyReused => "idempotency_key_reused",
            RefusalCode::WorkloadPaused => "workload_paused",
            RefusalCode::ScaledByAutoscaler => "scaled_by_autoscaler",
            RefusalCode::ContainerMissing => "container_missing",
            RefusalCode::NotBlocked => "not_blocked",
            RefusalCode::HeldUp => "held_up",
            RefusalCode::NoAutoscaler => "no_autoscaler",
            RefusalCode::CronJobMissing => "cron_job_missing",
            RefusalCode::JobRunning => "job_running",
            RefusalCode::Frozen => "frozen",
            RefusalCode::WindowClosed => "window_closed",
            RefusalCode::ConfigUnknown => "config_unknown",
            RefusalCode::ConfigImmutable => "config_immutable",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub code: RefusalCode,
    pub why: String,
}

impl Refusal {
    pub fn new(code: RefusalCode, why: impl Into<String>) -> Refusal {
        Refusal { code, why: why.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
