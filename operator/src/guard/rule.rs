//! What a rule of the guard is: a value that can be rendered, counted and switched off one by one.

/// Namespaces whose objects a rule judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Namespaces labelled Sensitive, but for the cluster's own parts.
    Sensitive,
    /// Namespaces without a class, where a SovereigntyPolicy speaks for them; not the cluster's own
    /// parts.
    Unclassified,
    /// Every object of the resource.
    Everywhere,
}

/// How firm a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Refuses from the first moment: where pods run, what the classes are, who writes what.
    Core,
    /// Follows the roll-out of a SovereigntyPolicy: Audit, Warn, Deny. Refuses where none speaks.
    Terms,
}

/// Requests that a rule looks at: each resource with each operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// API group.
    pub group: &'static str,
    /// API version in it; `*` for all.
    pub version: &'static str,
    /// Resources, subresources included.
    pub resources: &'static [&'static str],
    /// CREATE, UPDATE, DELETE, CONNECT.
    pub operations: &'static [&'static str],
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// Rule id, stable: it stands in refusals and in reports.
    pub id: &'static str,
    /// CEL that must be true.
    pub holds: String,
    /// CEL of the refusal's words.
    pub says: String,
}

/// One admission policy with its conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// End of its object's name, stable.
    pub id: &'static str,
    /// What it looks at.
    pub matches: Vec<Match>,
    /// Whose objects.
    pub scope: Scope,
    /// How firm it is.
    pub tier: Tier,
    /// Whether it looks up `SovereignNodes`; refused where that object is missing.
    pub needs_inventory: bool,
    /// Conditions, all of which must hold.
    pub validations: Vec<Validation>,
}

/// Both operations that write an object.
pub const WRITES: &[&str] = &["CREATE", "UPDATE"];

impl Match {
    /// Resources of one group and version.
    #[must_use]
    pub fn new(
        group: &'static str,
        version: &'static str,
        resources: &'static [&'static str],
        operations: &'static [&'static str],
    ) -> Self {
        Self {
            group,
            version,
            resources,
            operations,
        }
    }
}

impl Rule {
    /// Whether it is asked for every pod, when that is made, changed or bound.
    #[must_use]
    pub fn is_hot(&self) -> bool {
        let binds = |one: &Match| one.resources.contains(&"pods/binding");
        self.judges_pods() || self.matches.iter().any(binds)
    }

    /// Whether it looks at the making or changing of pods, which happens more often than all else.
    #[must_use]
    pub fn judges_pods(&self) -> bool {
        let pods = |one: &Match| one.group.is_empty() && one.resources.contains(&"pods");
        self.matches.iter().any(pods)
    }
}
