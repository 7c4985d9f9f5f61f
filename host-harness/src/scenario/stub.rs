//! stub
#![allow(missing_docs)]
use crate::{Fault,Trace,memory::Snapshot,Function};
#[derive(Debug,Default,serde::Serialize)]
pub struct Coverage;
impl Coverage { pub fn trace(&mut self,_:&Trace){} pub fn transitions(&mut self,_:&Snapshot){} pub fn merge(&mut self,_:&Self){} }
impl Fault { pub fn error(word:&str,_items:bool)->Self{ match word {"unavailable"=>Fault::FailBefore,"outcome-unknown"=>Fault::FailAfter,_=>Fault::Denied} } }
impl Function { pub fn errors(self)->&'static [&'static str]{ &["unavailable","outcome-unknown","denied","throttled"] } pub fn item_errors(self)->&'static [&'static str]{ &["unavailable"] } }
