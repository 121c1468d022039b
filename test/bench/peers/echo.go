// Echo server: `echo frames|lines PORT`. One flush for everything that was read at once.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"log"
	"net"
	"os"
)

const maxFrame = 1 << 20

func readFrame(in *bufio.Reader, out *bufio.Writer, body []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return body, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxFrame {
		return body, io.ErrShortBuffer
	}
	if uint32(cap(body)) < size {
		body = make([]byte, size)
	}
	body = body[:size]
	if _, err := io.ReadFull(in, body); err != nil {
		return body, err
	}
	out.Write(head[:])
	_, err := out.Write(body)
	return body, err
}

func readLine(in *bufio.Reader, out *bufio.Writer, body []byte) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return body, err
	}
	var value any
	if err := json.Unmarshal(line, &value); err != nil {
		return body, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return body, err
	}
	out.Write(text)
	return body, out.WriteByte('\n')
}

func serve(conn net.Conn, step func(*bufio.Reader, *bufio.Writer, []byte) ([]byte, error)) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	out := bufio.NewWriterSize(conn, 64<<10)
	var body []byte
	for {
		var err error
		if body, err = step(in, out, body); err != nil {
			return
		}
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}

func main() {
	step := readFrame
	if os.Args[1] == "lines" {
		step = readLine
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn, step)
	}
}
