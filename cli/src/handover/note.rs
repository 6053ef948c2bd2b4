//! One thing to say about an object: what it is, the field, and the way out.

use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Weight {
    /// Nothing is written before this is mended.
    Obstacle,
    /// Something that the former autoscaler does and Pinisi will not do.
    Lost,
    /// Works, but look at it.
    Look,
    /// Good to know.
    Told,
}

/// Something said about one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// How much it matters.
    pub weight: Weight,
    /// Kind and name.
    pub object: String,
    /// JSON path in it, where one field is meant.
    pub field: Option<String>,
    /// What is the matter.
    pub message: String,
    /// What to do; `None` where nothing has to be done.
    pub way_out: Option<String>,
}

impl Note {
    fn new(weight: Weight, object: &str, message: impl Into<String>) -> Self {
        Self {
            weight,
            object: object.to_owned(),
            field: None,
            message: message.into(),
            way_out: None,
        }
    }

    /// Nothing is written before this is mended.
    pub fn obstacle(object: &str, message: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::new(Weight::Obstacle, object, message).with_way_out(way_out)
    }

    /// What will not be done any more.
    pub fn lost(object: &str, message: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::new(Weight::Lost, object, message).with_way_out(way_out)
    }

    /// Works, but look at it.
    pub fn look(object: &str, message: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::new(Weight::Look, object, message).with_way_out(way_out)
    }

    /// Good to know.
    pub fn told(object: &str, message: impl Into<String>) -> Self {
        Self::new(Weight::Told, object, message)
    }

    /// With the field that is meant.
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    fn with_way_out(mut self, way_out: impl Into<String>) -> Self {
        self.way_out = Some(way_out.into());
        self
    }
}

/// True where one of them forbids to go on.
pub fn any_obstacle(notes: &[Note]) -> bool {
    notes.iter().any(|note| note.weight == Weight::Obstacle)
}

/// Notes for people, the weightiest first, each with its way out below.
pub fn text(notes: &[Note]) -> String {
    let mut sorted: Vec<_> = notes.iter().collect();
    sorted.sort_by_key(|note| note.weight);
    let mut text = String::new();
    for note in sorted {
        let Note {
            weight,
            object,
            field,
            message,
            way_out,
        } = note;
        let mark = match weight {
            Weight::Obstacle => "STOP",
            Weight::Lost => "lost",
            Weight::Look => "look",
            Weight::Told => "note",
        };
        let field = field
            .as_ref()
            .map(|field| format!(" {field}"))
            .unwrap_or_default();
        text += &format!("{mark}  {object}{field}: {message}\n");
        if let Some(way_out) = way_out {
            text += &format!("      way out: {way_out}\n");
        }
    }
    text
}
