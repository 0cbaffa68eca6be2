//! Reads what a team already has into an [`App`](brigandine_model::App), keeping spans and provenance.
//!
//! bytes -> [`Node`] tree with places -> expansion of the serverless transform -> plain resources -> application graph.
//! Everything after the expansion knows plain CloudFormation only, so a SAM template, its expanded form and the output of
//! a synthesiser take the same way. This room is pure: bytes come in as arguments, and files it needs further are asked
//! for by name.

mod node;

pub use node::{Key, Kind, Map, Meaning, Node, Origin, Place, Scalar};
