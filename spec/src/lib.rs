//! What goes over the wire, as types: parsed once at the edge, printed back unchanged.
