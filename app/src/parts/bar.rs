//! How far a rollout is: one segment for each pod, and the same in figures.

use domain::changes::{Change, Progress, State};
use domain::clusters::PodView;
use leptos::prelude::*;

/// Pods by what they are in this rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// Ready on the new version.
    pub done: i64,
    /// New, and not ready yet.
    pub waiting: i64,
    pub failing: i64,
    /// Ready on the old version.
    pub old: i64,
}

/// More pods than this share segments.
const SEGMENTS: i64 = 24;

/// From the pods themselves where their versions tell old from new; else from the rollout's figures.
pub fn pods_of(change: &Change, progress: Progress, pods: &[PodView]) -> Pods {
    let (from, to) = (change.plan.from.version(), change.plan.to.version());
    if matches!(change.state, State::AwaitingApproval | State::Ready) {
        return Pods { old: progress.ready.max(0), ..Pods::default() };
    }
    let current = pods.iter().filter(|pod| pod.status != "Terminating");
    if from == to || pods.is_empty() || change.state.is_terminal() && change.state != State::Failed {
        return figures(progress, change.state == State::Failed);
    }
    current.fold(Pods::default(), |mut sum, pod| {
        match (pod.version == to, pod.ready, pod.said.is_some()) {
            (_, _, true) => sum.failing += 1,
            (true, true, _) => sum.done += 1,
            (true, false, _) => sum.waiting += 1,
            (false, _, _) => sum.old += 1,
        }
        sum
    })
}

fn figures(progress: Progress, failed: bool) -> Pods {
    let old = (progress.desired - progress.updated).clamp(0, progress.ready.max(0));
    let done = (progress.ready - old).clamp(0, progress.updated.max(0));
    let rest = (progress.updated - done).max(0);
    Pods { done, old, waiting: if failed { 0 } else { rest }, failing: if failed { rest } else { 0 } }
}

impl Pods {
    fn total(self) -> i64 {
        self.done + self.waiting + self.failing + self.old
    }

    /// `2 updated and ready, 1 starting, 2 old and ready`
    pub fn in_words(self) -> String {
        let said = [(self.done, "updated and ready"), (self.waiting, "starting"), (self.failing, "failing"), (self.old, "old and ready")];
        let parts: Vec<_> = said.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if parts.is_empty() { "no pods".into() } else { parts.join(", ") }
    }

    /// One class for each segment, at most [`SEGMENTS`].
    fn segments(self) -> Vec<&'static str> {
        let share = |n: i64| if self.total() <= SEGMENTS { n } else { (n * SEGMENTS + self.total() - 1) / self.total() };
        let kinds = [(self.done, "seg-done"), (self.waiting, "seg-wait"), (self.failing, "seg-fail"), (self.old, "seg-old")];
        kinds.into_iter().flat_map(|(n, class)| std::iter::repeat_n(class, share(n) as usize)).collect()
    }
}

#[component]
pub fn RolloutBar(pods: Pods) -> impl IntoView {
    let segments = pods.segments().into_iter().map(|class| view! { <i class=class></i> }).collect_view();
    view! { <div class="rollout-bar" role="img" aria-label=pods.in_words()>{segments}</div> }
}

#[component]
pub fn RolloutFigures(progress: Progress, #[prop(optional)] started: bool) -> impl IntoView {
    let updated = if started { progress.updated } else { 0 };
    let figure = |what: &'static str, n: i64| view! { <div><dt>{what}</dt><dd data-figure=what>{n}</dd></div> };
    view! { <dl class="rollout-nums">{figure("updated", updated)}{figure("ready", progress.ready)}{figure("desired", progress.desired)}</dl> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_become_segments() {
        let of = |desired, updated, ready| figures(Progress { desired, updated, ready, available: ready }, false);
        assert_eq!(of(5, 3, 4), Pods { done: 2, waiting: 1, failing: 0, old: 2 });
        assert_eq!(of(4, 4, 4), Pods { done: 4, waiting: 0, failing: 0, old: 0 });
        assert_eq!(of(0, 0, 0).in_words(), "no pods");
        assert_eq!(
            figures(Progress { desired: 2, updated: 1, ready: 2, available: 2 }, true),
            Pods { done: 1, waiting: 0, failing: 0, old: 1 }
        );
    }

    #[test]
    fn many_pods_share_segments_and_none_disappears() {
        let pods = Pods { done: 500, waiting: 1, failing: 0, old: 499 };
        let segments = pods.segments();
        assert!(segments.len() <= SEGMENTS as usize + 3 && segments.contains(&"seg-wait"), "{segments:?}");
    }
}
