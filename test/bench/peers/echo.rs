// Echo server on tokio-util, with its own codecs and its defaults: `echo frames|lines PORT`. One thread.
use bytes::BytesMut;
use futures::{SinkExt, StreamExt, TryStreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec, LinesCodec};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const MAX_FRAME: usize = 1 << 20;

fn length_codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .length_field_length(4)
        .max_frame_length(MAX_FRAME)
        .new_codec()
}

/// `forward` flushes when nothing more was read.
async fn frames(socket: TcpStream) -> Result<(), Failure> {
    let (reader, writer) = socket.into_split();
    let sink = FramedWrite::new(writer, length_codec());
    FramedRead::new(reader, length_codec())
        .map_ok(BytesMut::freeze)
        .forward(sink)
        .await?;
    Ok(())
}

fn reply(line: String) -> Result<String, Failure> {
    let value: serde_json::Value = serde_json::from_str(&line)?;
    Ok(serde_json::to_string(&value)?)
}

async fn lines(socket: TcpStream) -> Result<(), Failure> {
    let (reader, writer) = socket.into_split();
    let codec = LinesCodec::new_with_max_length(MAX_FRAME);
    let lines = FramedWrite::new(writer, codec.clone());
    let sink = SinkExt::<String>::sink_map_err(lines, Failure::from);
    FramedRead::new(reader, codec)
        .map(|line| reply(line?))
        .forward(sink)
        .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    let is_lines = args[1] == "lines";
    let listener = TcpListener::bind(("127.0.0.1", args[2].parse()?)).await?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        tokio::spawn(async move {
            let ended = if is_lines { lines(socket).await } else { frames(socket).await };
            drop(ended);
        });
    }
}
