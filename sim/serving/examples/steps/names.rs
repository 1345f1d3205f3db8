//! Names of the log beside the handles and numbers of the replica.

use std::collections::BTreeMap;

use serving::Id;

/// Names of requests and pictures in the log.
#[derive(Default)]
pub struct Names {
    pub requests: BTreeMap<Id, (usize, String)>,
    pictures: Vec<String>,
}

impl Names {
    /// The log's name of a request, also after its end.
    pub fn request(&self, id: Id) -> &str {
        &self.requests[&id].1
    }

    /// The log's name of a picture.
    pub fn picture(&self, name: u64) -> &str {
        &self.pictures[name as usize]
    }

    /// The place of a request in the log.
    pub fn index(&self, id: Id) -> usize {
        self.requests[&id].0
    }

    /// The number of a picture, given at its first mention.
    pub fn number_of_picture(&mut self, name: &str) -> u64 {
        let place = self.pictures.iter().position(|known| known == name);
        place.unwrap_or_else(|| {
            self.pictures.push(name.to_owned());
            self.pictures.len() - 1
        }) as u64
    }
}
