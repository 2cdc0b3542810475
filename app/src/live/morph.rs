//! Makes one part of the page equal to its newer self by touching only what differs.
//!
//! Invariant: what belongs to the reader stays: focus, what they typed, open details, scrolling. Islands and elements with
//! `data-keep` are left alone. Nodes are matched by id or `data-key`, otherwise by kind in their order.

use leptos::web_sys::{Element, HtmlInputElement, Node};
use std::collections::{HashMap, HashSet};
use wasm_bindgen::JsCast;

/// What changed that a listener may want to hear: `API server in Production East: Degraded`.
pub type Said = Vec<String>;

pub fn morph(old: &Element, new: &Element, said: &mut Said) {
    if mine(old) || same_moment(old, new) || old.is_equal_node(Some(new)) {
        return;
    }
    if !shallow_equal(old, new) {
        attributes(old, new, said);
    }
    if old.node_name() != "TEXTAREA" {
        children(old, new, said);
    }
}

/// Left alone: islands, what the page wants kept, what the reader is typing into.
fn mine(old: &Element) -> bool {
    let active = || old.owner_document().and_then(|document| document.active_element());
    let typing = |name: &str| matches!(name, "INPUT" | "TEXTAREA" | "SELECT") && active().as_ref() == Some(old);
    let name = old.node_name();
    name == "LEPTOS-ISLAND" || old.has_attribute("data-keep") || typing(&name)
}

/// The clock keeps these.
fn same_moment(old: &Element, new: &Element) -> bool {
    old.has_attribute("datetime") && old.get_attribute("datetime") == new.get_attribute("datetime")
}

fn shallow_equal(old: &Element, new: &Element) -> bool {
    match (old.clone_node(), new.clone_node()) {
        (Ok(a), Ok(b)) => a.is_equal_node(Some(&b)),
        _ => false,
    }
}

fn attributes(old: &Element, new: &Element, said: &mut Said) {
    let field = old.node_name();
    let kept = |name: &str| match name {
        "open" => true,
        "value" | "checked" | "selected" => !is_hidden_field(old) && field != "BUTTON",
        _ => false,
    };
    for name in names(old) {
        if !kept(&name) && !new.has_attribute(&name) {
            let _ = old.remove_attribute(&name);
        }
    }
    for name in names(new).into_iter().filter(|name| !kept(name)) {
        let value = new.get_attribute(&name).unwrap_or_default();
        if old.get_attribute(&name).as_deref() == Some(&value) {
            continue;
        }
        if name == "data-state" {
            let title = new.get_attribute("data-title").unwrap_or_else(|| value.clone());
            said.extend(new.get_attribute("data-say").map(|who| sentence(&who, &title)));
        }
        let _ = old.set_attribute(&name, &value);
    }
}

fn names(element: &Element) -> Vec<String> {
    element.get_attribute_names().iter().filter_map(|name| name.as_string()).collect()
}

fn is_hidden_field(element: &Element) -> bool {
    element.dyn_ref::<HtmlInputElement>().is_some_and(|input| input.type_() == "hidden")
}

/// `awaiting_approval` → `Awaiting approval`
fn sentence(who: &str, state: &str) -> String {
    let words = state.replace('_', " ");
    let (first, rest) = words.split_at(words.len().min(1));
    [who, ": ", &first.to_ascii_uppercase(), rest].concat()
}

fn children(old: &Element, new: &Element, said: &mut Said) {
    let wanted: HashSet<String> = siblings(new.first_child()).filter_map(|node| key(&node)).collect();
    let mut known: HashMap<String, Node> = siblings(old.first_child()).filter_map(|node| key(&node).map(|key| (key, node))).collect();
    let mut cursor = old.first_child();
    let fresh: Vec<Node> = siblings(new.first_child()).collect();
    for node in fresh {
        let found = match key(&node) {
            Some(key) => known.remove(&key).filter(|old| old.node_name() == node.node_name()),
            None => siblings(cursor.clone()).find(|old| key(old).is_none() && old.node_name() == node.node_name()),
        };
        let Some(found) = found else {
            let _ = old.insert_before(&node, cursor.as_ref());
            continue;
        };
        drop_until(old, &mut cursor, &found, &wanted);
        if cursor.as_ref() == Some(&found) {
            cursor = found.next_sibling();
        } else {
            let _ = old.insert_before(&found, cursor.as_ref());
        }
        renew(&found, &node, said);
    }
    let rest: Vec<Node> = siblings(cursor).collect();
    for node in rest.iter().filter(|node| !stays(node)) {
        let _ = old.remove_child(node);
    }
}

/// Removes what stands between the cursor and `found` and is not wanted any more, so that nothing has to move.
fn drop_until(parent: &Element, cursor: &mut Option<Node>, found: &Node, wanted: &HashSet<String>) {
    while let Some(node) = cursor.clone() {
        if &node == found || key(&node).is_some_and(|key| wanted.contains(&key)) || !siblings(Some(node.clone())).any(|next| &next == found)
        {
            return;
        }
        *cursor = node.next_sibling();
        if !stays(&node) {
            let _ = parent.remove_child(&node);
        }
    }
}

fn renew(old: &Node, new: &Node, said: &mut Said) {
    match (old.dyn_ref::<Element>(), new.dyn_ref::<Element>()) {
        (Some(old), Some(new)) => morph(old, new, said),
        // Another node, not another value: text that grows where it stands, in a column that ends flush right, counts as moved.
        _ if old.node_value() != new.node_value() => {
            let _ = old.parent_node().map(|parent| parent.replace_child(new, old));
        }
        _ => {}
    }
}

fn stays(node: &Node) -> bool {
    node.dyn_ref::<Element>().is_some_and(|element| element.has_attribute("data-keep"))
}

fn key(node: &Node) -> Option<String> {
    let element = node.dyn_ref::<Element>()?;
    element.get_attribute("data-key").or_else(|| element.get_attribute("id"))
}

fn siblings(first: Option<Node>) -> impl Iterator<Item = Node> {
    std::iter::successors(first, Node::next_sibling)
}
