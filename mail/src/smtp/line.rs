//! A connection that is read line by line.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connection of which each read ends with a line, so that nothing is read ahead.
///
/// Before `STARTTLS` anybody on the way can add to what the mail system says. What was read ahead would be taken for
/// answers that came encrypted: a message would count as sent that nobody has. What follows the answer to `STARTTLS`
/// goes to the encryption instead, which refuses it.
pub(super) struct LineByLine(pub(super) TcpStream);

impl fmt::Debug for LineByLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LineByLine").field(&self.0).finish()
    }
}

impl AsyncTokioStream for LineByLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

impl AsyncRead for LineByLine {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = &mut self.get_mut().0;
        let mut seen = [0_u8; 1024];
        let most = into.remaining().min(seen.len());
        let mut peeked = ReadBuf::new(seen.get_mut(..most).unwrap_or_default());
        let count = ready!(stream.poll_peek(cx, &mut peeked))?;
        let end = peeked.filled().iter().position(|byte| *byte == b'\n').map_or(count, |end| end + 1);
        let mut line = ReadBuf::new(seen.get_mut(..end).unwrap_or_default());
        ready!(Pin::new(stream).poll_read(cx, &mut line))?;
        into.put_slice(line.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineByLine {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, from)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}
