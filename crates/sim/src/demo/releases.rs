//! What was released where, when and by whom.
//!
//! Invariant: oldest first; the last entry is what runs. A version that comes back was rolled back to.

/// One release: version, minutes ago, login of the one who released it.
pub(crate) type Past = (&'static str, i64, &'static str);

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

pub(crate) fn of(site: &str, component: &str) -> &'static [Past] {
    match site {
        "staging-aks" => staging(component),
        "prod-eks" => east(component),
        _ => central(component),
    }
}

/// The full name behind a login.
pub(crate) fn person(login: &str) -> &'static str {
    match login {
        "olivia" => "Olivia Brandt",
        "dmitri" => "Dmitri Volkov",
        "bea" => "Bea Lindholm",
        "ben" => "Ben Adeyemi",
        "pia" => "Pia Novak",
        _ => "Paul Serrano",
    }
}

fn staging(component: &str) -> &'static [Past] {
    match component {
        "devmatrix-api" => &[
            ("1.42.0", 15 * DAY, "pia"),
            ("1.42.2", 8 * DAY, "bea"),
            ("1.42.3", 5 * DAY, "dmitri"),
            ("1.43.0", 3 * DAY, "bea"),
            ("1.43.1", 2 * HOUR, "olivia"),
        ],
        "postgres" => &[("15.13", 80 * DAY, "ben"), ("15.14", 45 * DAY, "pia"), ("15.15", 12 * DAY, "pia")],
        "qdrant" => &[("1.15.3", 48 * DAY, "ben"), ("1.15.4", 40 * DAY, "ben"), ("1.15.5", 30 * DAY, "paul"), ("1.16.0", 6 * DAY, "bea")],
        // 5.26.3 did not keep its promises; since then the Deployment is paused.
        "neo4j" => &[
            ("5.25.1", 60 * DAY, "ben"),
            ("5.26.1", 33 * DAY, "paul"),
            ("5.26.2", 22 * DAY, "paul"),
            ("5.26.3", 2 * DAY, "dmitri"),
            ("5.26.2", DAY, "dmitri"),
        ],
        "redis" => &[("7.2.6", 70 * DAY, "ben"), ("7.4.0", 40 * DAY, "pia"), ("7.4.1", 20 * DAY, "pia"), ("7.4.2", 8 * DAY, "bea")],
        "nginx" => &[("1.28.0", 75 * DAY, "paul"), ("1.29.0", 50 * DAY, "paul"), ("1.29.1", 36 * DAY, "olivia"), ("1.29.3", DAY, "dmitri")],
        "prometheus" => {
            &[("3.5.0", 90 * DAY, "ben"), ("3.6.0", 60 * DAY, "ben"), ("3.7.1", 35 * DAY, "olivia"), ("3.7.3", 20 * DAY, "olivia")]
        }
        "elasticsearch" => &[("8.19.2", 60 * DAY, "paul"), ("8.19.4", 37 * DAY, "paul"), ("8.19.7", 6 * HOUR, "dmitri")],
        _ => &[("8.19.2", 60 * DAY, "paul"), ("8.19.4", 37 * DAY, "paul")],
    }
}

fn east(component: &str) -> &'static [Past] {
    match component {
        // 1.42.1 crashed at its start and was followed by a repaired release.
        "devmatrix-api" => &[
            ("1.41.4", 18 * DAY, "ben"),
            ("1.42.0", 11 * DAY, "pia"),
            ("1.42.1-crash", 7 * DAY, "paul"),
            ("1.42.2", 7 * DAY - 25, "bea"),
            ("1.42.3", 23, "dmitri"),
        ],
        "qdrant" => &[("1.15.3", 46 * DAY, "ben"), ("1.15.4", 38 * DAY, "ben"), ("1.15.5", 27 * DAY, "paul"), ("1.16.0", 35, "bea")],
        "redis" => &[("7.2.6", 66 * DAY, "ben"), ("7.4.0", 35 * DAY, "pia"), ("7.4.1", 15 * DAY, "pia"), ("7.4.2", 4 * DAY, "bea")],
        // The image of 1.29.2 never reached the registry of production; it was rolled back.
        "nginx" => &[
            ("1.28.0", 70 * DAY, "paul"),
            ("1.29.0", 48 * DAY, "paul"),
            ("1.29.1", 33 * DAY, "olivia"),
            ("1.29.2-nopull", 5 * DAY, "dmitri"),
            ("1.29.1", 5 * DAY - 11, "dmitri"),
        ],
        other => central(other),
    }
}

fn central(component: &str) -> &'static [Past] {
    match component {
        "devmatrix-api" => {
            &[("1.41.4", 19 * DAY, "ben"), ("1.42.0", 12 * DAY, "pia"), ("1.42.2", 6 * DAY, "bea"), ("1.42.3", 4 * DAY, "dmitri")]
        }
        "postgres" => &[("15.13", 75 * DAY, "ben"), ("15.14", 41 * DAY, "pia")],
        "qdrant" => &[("1.15.2", 55 * DAY, "ben"), ("1.15.3", 46 * DAY, "ben"), ("1.15.4", 38 * DAY, "ben"), ("1.15.5", 27 * DAY, "paul")],
        "neo4j" => &[("5.25.0", 70 * DAY, "ben"), ("5.25.1", 55 * DAY, "ben"), ("5.26.1", 31 * DAY, "paul"), ("5.26.2", 19 * DAY, "paul")],
        "redis" => &[("7.2.6", 65 * DAY, "ben"), ("7.4.0", 34 * DAY, "pia"), ("7.4.1", 14 * DAY, "pia"), ("7.4.2", 3 * HOUR, "olivia")],
        "nginx" => {
            &[("1.27.5", 90 * DAY, "paul"), ("1.28.0", 70 * DAY, "paul"), ("1.29.0", 48 * DAY, "paul"), ("1.29.1", 33 * DAY, "olivia")]
        }
        "prometheus" => {
            &[("3.5.0", 85 * DAY, "ben"), ("3.6.0", 55 * DAY, "ben"), ("3.7.1", 30 * DAY, "olivia"), ("3.7.3", 14 * DAY, "olivia")]
        }
        "elasticsearch" => &[("8.19.2", 56 * DAY, "paul"), ("8.19.4", 33 * DAY, "paul")],
        _ => &[("8.19.2", 56 * DAY, "paul"), ("8.19.4", 33 * DAY, "paul")],
    }
}
