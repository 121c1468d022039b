// Echo server on Netty, with its own framers: `Echo frames|lines PORT`. One event loop, one flush for each read.
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufOutputStream;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;
import io.netty.handler.codec.LineBasedFrameDecoder;
import java.io.OutputStream;

public class Echo {
  static final int MAX_FRAME = 1 << 20;
  static final ObjectMapper JSON = new ObjectMapper();

  static class Frames extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
      context.write(message, context.voidPromise());
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      context.flush();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }
  }

  static final class Lines extends Frames {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
      ByteBuf line = (ByteBuf) message;
      ByteBuf out = context.alloc().buffer(line.readableBytes() + 1);
      Object value = JSON.readTree(ByteBufUtil.getBytes(line));
      line.release();
      JSON.writeValue((OutputStream) new ByteBufOutputStream(out), value);
      context.write(out.writeByte('\n'), context.voidPromise());
    }
  }

  public static void main(String[] args) throws Exception {
    boolean isLines = args[0].equals("lines");
    new ServerBootstrap()
        .group(new NioEventLoopGroup(1))
        .channel(NioServerSocketChannel.class)
        .option(ChannelOption.SO_BACKLOG, 1024)
        .childOption(ChannelOption.TCP_NODELAY, true)
        .childHandler(
            new ChannelInitializer<SocketChannel>() {
              @Override
              protected void initChannel(SocketChannel channel) {
                ChannelPipeline pipeline = channel.pipeline();
                if (isLines) {
                  pipeline.addLast(new LineBasedFrameDecoder(MAX_FRAME), new Lines());
                } else {
                  pipeline.addLast(
                      new LengthFieldBasedFrameDecoder(MAX_FRAME, 0, 4, 0, 4),
                      new LengthFieldPrepender(4),
                      new Frames());
                }
              }
            })
        .bind("127.0.0.1", Integer.parseInt(args[1]))
        .sync()
        .channel()
        .closeFuture()
        .sync();
  }
}
