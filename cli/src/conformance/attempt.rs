//! One request of a case, as data: what is asked of the API server, as whom, and what must become of
//! it. Not here: sending it (`ask.rs`) and judging the answer (`judge.rs`).

use super::outcome::Skip;
use serde_json::Value;

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The rule that it is about: the one that must refuse it, or whose lawful twin it is.
    pub rule: &'static str,
    /// What is tried, in a few words.
    pub name: String,
    /// What must become of it.
    pub wanted: Wanted,
    /// The request, or why there is none.
    pub request: Result<Request, Skip>,
}

/// What must become of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It is refused, by its rule.
    Refused,
    /// The same, but a server may refuse it by its own definitions before it asks anybody, or drop
    /// the field at this place as it does not know it: there is no way around then.
    RefusedWhereReached(&'static str),
    /// It is lawful and passes.
    Passed,
    /// It passes and comes out with the labels of sovereign ground; a server that cannot put them on
    /// refuses it by its rule.
    Stamped,
    /// It is refused by the static pack, where the server has one.
    RefusedStatically,
}

/// Something that is asked of the API server.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which cluster.
    pub cluster: Cluster,
    /// What for.
    pub target: Target,
    /// What to do with it.
    pub act: Act,
    /// As whom.
    pub identity: Identity,
}

/// Which cluster is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cluster {
    /// The one whose guard is tried.
    Here,
    /// The one that is the cloud.
    Remote,
}

/// A resource, or one object of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// API group; empty for the core.
    pub group: &'static str,
    /// Version; where the server has another one of this group, that is asked.
    pub version: String,
    /// Resource, in the plural.
    pub resource: &'static str,
    /// Subresource; empty for none.
    pub subresource: &'static str,
    /// Namespace, where the resource has one.
    pub namespace: Option<String>,
    /// The object's name; none where it is created.
    pub name: Option<String>,
}

impl Target {
    /// A resource of the core.
    #[must_use]
    pub fn core(resource: &'static str) -> Self {
        Self::of("", "v1", resource)
    }

    /// A resource.
    #[must_use]
    pub fn of(group: &'static str, version: &'static str, resource: &'static str) -> Self {
        Self {
            group,
            version: version.to_owned(),
            resource,
            ..Self::default()
        }
    }

    /// The same in a namespace.
    #[must_use]
    pub fn within(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// The same, one object.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// A subresource of it.
    #[must_use]
    pub fn subresource(mut self, subresource: &'static str) -> Self {
        self.subresource = subresource;
        self
    }

    /// Resource and subresource, as rules name them.
    #[must_use]
    pub fn full_resource(&self) -> String {
        match self.subresource {
            "" => self.resource.to_owned(),
            sub => format!("{}/{sub}", self.resource),
        }
    }

    /// The path of its URL.
    #[must_use]
    pub fn path(&self) -> String {
        let Self {
            group,
            version,
            resource,
            subresource,
            namespace,
            name,
        } = self;
        let mut path = match *group {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        if let Some(namespace) = namespace {
            path += &format!("/namespaces/{namespace}");
        }
        path += &format!("/{resource}");
        for part in [name.as_deref().unwrap_or_default(), subresource] {
            if !part.is_empty() {
                path += &format!("/{part}");
            }
        }
        path
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// POST this.
    Create(Value),
    /// PUT this.
    Replace(Value),
    /// PATCH by this, merged.
    Merge(Value),
    /// PATCH by these operations.
    Patch(Value),
    /// DELETE.
    Delete,
    /// Connect, with this query. The API has no dry run of it: it is asked of a pod that runs nowhere.
    Connect(&'static str),
}

impl Act {
    /// The operation, as admission calls it.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Create(_) => "CREATE",
            Self::Replace(_) | Self::Merge(_) | Self::Patch(_) => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect(_) => "CONNECT",
        }
    }

    /// The verb, as authorization calls it.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) | Self::Connect(_) => "create",
            Self::Replace(_) => "update",
            Self::Merge(_) | Self::Patch(_) => "patch",
            Self::Delete => "delete",
        }
    }
}

/// As whom something is asked. All but the first by impersonation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// Whoever runs the suite.
    Me,
    /// The operator's account.
    Operator,
    /// A user that nobody is, with just the rights that the attempts of this run need.
    Canary,
    /// The account of a node that is not sovereign, with the same rights.
    CloudNode,
    /// A user that a policy says acts from a cloud, with the same rights.
    CloudUser,
    /// Somebody of a group of which a policy says so, with the same rights.
    CloudGroup,
    /// Another such user, who may also approve declassifications.
    Approver,
    /// A service account with the rights of that user.
    ApproverAccount,
    /// The cluster's own controller of EndpointSlices.
    SliceController,
    /// And of Endpoints.
    EndpointController,
}

impl Identity {
    /// Whether a run gives it rights; the others have theirs.
    #[must_use]
    pub fn is_granted(self) -> bool {
        match self {
            Self::Me | Self::Operator | Self::SliceController | Self::EndpointController => false,
            Self::Canary
            | Self::CloudNode
            | Self::CloudUser
            | Self::CloudGroup
            | Self::Approver
            | Self::ApproverAccount => true,
        }
    }

    /// Verbs beside those of its requests that it needs on a resource.
    #[must_use]
    pub fn more_verbs(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Self::Approver | Self::ApproverAccount => {
                &[("pinisi.dev", "declassifications", "approve")]
            }
            Self::Me
            | Self::Operator
            | Self::Canary
            | Self::CloudNode
            | Self::CloudUser
            | Self::CloudGroup
            | Self::SliceController
            | Self::EndpointController => &[],
        }
    }

    /// As it stands in names.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::Operator => "operator",
            Self::Canary => "canary",
            Self::CloudNode => "cloud-node",
            Self::CloudUser => "cloud-user",
            Self::CloudGroup => "cloud-group",
            Self::Approver => "approver",
            Self::ApproverAccount => "approver-account",
            Self::SliceController => "slice-controller",
            Self::EndpointController => "endpoint-controller",
        }
    }
}

impl Attempt {
    /// Unlawful: this rule must refuse it.
    #[must_use]
    pub fn refused(rule: &'static str, name: impl Into<String>, request: Request) -> Self {
        Self::new(rule, name, Wanted::Refused, Ok(request))
    }

    /// Lawful: the twin of what this rule refuses.
    #[must_use]
    pub fn passed(rule: &'static str, name: impl Into<String>, request: Request) -> Self {
        Self::new(rule, name, Wanted::Passed, Ok(request))
    }

    /// As given.
    #[must_use]
    pub fn new(
        rule: &'static str,
        name: impl Into<String>,
        wanted: Wanted,
        request: Result<Request, Skip>,
    ) -> Self {
        Self {
            rule,
            name: name.into(),
            wanted,
            request,
        }
    }
}

impl Request {
    /// Of this cluster, as whoever runs the suite.
    #[must_use]
    pub fn new(target: Target, act: Act) -> Self {
        Self {
            cluster: Cluster::Here,
            target,
            act,
            identity: Identity::Me,
        }
    }

    /// POST this.
    #[must_use]
    pub fn create(target: Target, body: Value) -> Self {
        Self::new(target, Act::Create(body))
    }

    /// PATCH by this, merged.
    #[must_use]
    pub fn merge(target: Target, body: Value) -> Self {
        Self::new(target, Act::Merge(body))
    }

    /// The same as somebody else.
    #[must_use]
    pub fn by(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// The same in the other cluster.
    #[must_use]
    pub fn there(mut self) -> Self {
        self.cluster = Cluster::Remote;
        self
    }

    /// Operation and resource in words.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.act.operation(), self.target.full_resource())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_api_server_s() {
        let bind = Target::core("pods")
            .within("a")
            .named("p")
            .subresource("binding");
        assert_eq!(bind.path(), "/api/v1/namespaces/a/pods/p/binding");
        assert_eq!(bind.full_resource(), "pods/binding");
        let all = Target::of("pinisi.dev", "v1alpha1", "sovereignnodes");
        assert_eq!(all.path(), "/apis/pinisi.dev/v1alpha1/sovereignnodes");
    }
}
