// Does somebody else's code find the same? The notes, trees and tiles of golang.org/x/mod/sumdb over what Ostiary writes.
//
// Built without modules from Debian's golang-golang-x-mod-dev: GO111MODULE=off GOPATH=/usr/share/gocode go build.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) < 4 {
		fail("usage: check VKEY note|proof|log FILE, or check VKEY consistency OLD NEW HASH...")
	}
	vkey, what, args := os.Args[1], os.Args[2], os.Args[3:]
	switch what {
	case "note":
		fmt.Println(head(vkey, text(args[0])).N)
	case "proof":
		proof(vkey, text(args[0]))
	case "consistency":
		older, newer := head(vkey, text(args[0])), head(vkey, text(args[1]))
		var hashes tlog.TreeProof
		for _, line := range args[2:] {
			hashes = append(hashes, hash(line))
		}
		must(tlog.CheckTree(hashes, newer.N, newer.Hash, older.N, older.Hash))
		fmt.Println(older.N, newer.N)
	case "log":
		log(vkey, args[0])
	default:
		fail("what?")
	}
}

// head opens a signed note whose text is a C2SP checkpoint.
func head(vkey, signed string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		fail("no checkpoint of " + verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	return tlog.Tree{N: size, Hash: hash(lines[2])}
}

// proof checks a C2SP tlog-proof with the leaf as its extra data.
func proof(vkey, file string) {
	parts := strings.SplitN(file, "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	tree := head(vkey, parts[1])
	leaf, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	must(err)
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	must(err)
	var hashes tlog.RecordProof
	for _, line := range lines[3:] {
		hashes = append(hashes, hash(line))
	}
	must(tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash(leaf)))
	fmt.Println(index, string(leaf))
}

// log holds every entry of a log in files against tiles that are held against the head.
func log(vkey, folder string) {
	tree := head(vkey, text(filepath.Join(folder, "checkpoint")))
	hashes := tlog.TileHashReader(tree, reader{folder})
	entries := int64(0)
	for position := int64(0); position*256 < tree.N; position++ {
		width := int64(256)
		if tree.N-position*256 < width {
			width = tree.N - position*256
		}
		bundle := text(filepath.Join(folder, "tile/entries", name(position, width)))
		for len(bundle) > 0 {
			length := int(bundle[0])<<8 | int(bundle[1])
			leaf := bundle[2 : 2+length]
			bundle = bundle[2+length:]
			stored, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, entries)})
			must(err)
			if stored[0] != tlog.RecordHash([]byte(leaf)) {
				fail(fmt.Sprint("entry ", entries, " is another"))
			}
			entries++
		}
	}
	if entries != tree.N {
		fail(fmt.Sprint(entries, " entries"))
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	must(err)
	if root != tree.Hash {
		fail("another root")
	}
	fmt.Println(entries)
}

// reader gives the tiles of a folder, laid as C2SP tlog-tiles has them.
type reader struct{ folder string }

func (r reader) Height() int { return 8 }

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		bytes, err := os.ReadFile(filepath.Join(r.folder, "tile", strconv.Itoa(tile.L), name(tile.N, int64(tile.W))))
		if err != nil {
			return nil, err
		}
		read = append(read, bytes)
	}
	return read, nil
}

func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

func name(position, width int64) string {
	text := fmt.Sprintf("%03d", position%1000)
	for position >= 1000 {
		position /= 1000
		text = fmt.Sprintf("x%03d/%s", position%1000, text)
	}
	if width < 256 {
		text += fmt.Sprintf(".p/%d", width)
	}
	return text
}

func hash(line string) tlog.Hash {
	h, err := tlog.ParseHash(line)
	must(err)
	return h
}

func text(path string) string {
	bytes, err := os.ReadFile(path)
	must(err)
	return string(bytes)
}

func must(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
