// Reads a Sigillo log with the code of Go's checksum database (golang.org/x/mod), which knows nothing of Sigillo: the
// signature of the checkpoint, every leaf against authenticated tiles, inclusion and consistency proofs.
//
//	tlog LOG_DIRECTORY VERIFIER_KEY_FILE
//
// Prints "ok: N leaves" and exits 0, or says what does not hold and exits 1. Builds without modules against Debian's
// golang-golang-x-mod-dev; CMakeLists.txt beside this file has the command.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type directory string

func (d directory) Height() int                                { return tileHeight }
func (d directory) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

// x/mod says tile/8/<L>/…, C2SP tlog-tiles says tile/<L>/…; the contents are the same.
func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		data, err := os.ReadFile(filepath.Join(string(d), path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (d directory) checkpoint(key string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		return tlog.Tree{}, err
	}
	message, err := os.ReadFile(filepath.Join(string(d), "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("checkpoint of another shape or origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("bad root hash")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// The entries of the bundle that tile L=0, N=n, W=width describes.
func (d directory) entries(n int64, width int) ([][]byte, error) {
	tile := tlog.Tile{H: tileHeight, L: 0, N: n, W: width}
	path := "tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/0/")
	data, err := os.ReadFile(filepath.Join(string(d), path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s is cut off", path)
		}
		length := int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:2+length])
		data = data[2+length:]
	}
	if len(entries) != width {
		return nil, fmt.Errorf("%s has %d entries", path, len(entries))
	}
	return entries, nil
}

func (d directory) verify(key string) (int64, error) {
	tree, err := d.checkpoint(key)
	if err != nil {
		return 0, err
	}
	hashes := tlog.TileHashReader(tree, d)
	for first := int64(0); first < tree.N; first += 1 << tileHeight {
		width := int64(1 << tileHeight)
		if tree.N-first < width {
			width = tree.N - first
		}
		entries, err := d.entries(first>>tileHeight, int(width))
		if err != nil {
			return 0, err
		}
		var indexes []int64
		for i := range entries {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(i)))
		}
		stored, err := hashes.ReadHashes(indexes)
		if err != nil {
			return 0, err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != stored[i] {
				return 0, fmt.Errorf("leaf %d does not hash to its place", first+int64(i))
			}
		}
		proof, err := tlog.ProveRecord(tree.N, first, hashes)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, first, tlog.RecordHash(entries[0])); err != nil {
			return 0, err
		}
		if first > 0 {
			old, err := tlog.TreeHash(first, hashes)
			if err != nil {
				return 0, err
			}
			proof, err := tlog.ProveTree(tree.N, first, hashes)
			if err != nil {
				return 0, err
			}
			if err := tlog.CheckTree(proof, tree.N, tree.Hash, first, old); err != nil {
				return 0, err
			}
		}
	}
	return tree.N, nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: tlog LOG_DIRECTORY VERIFIER_KEY_FILE")
	}
	key, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	size, err := directory(os.Args[1]).verify(string(key))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ok: %d leaves\n", size)
}
