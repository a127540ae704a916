// protobuf-c, and the arena its messages are unpacked into.
//
// An arena is a bump allocator behind protobuf-c's allocator interface. Everything one message needs comes from
// one or a few blocks and is released at once. The budget bounds what a hostile message can amplify to: protobuf-c
// has no limit of its own, and a two-byte submessage unpacks to a whole struct.
#ifndef ROOKERY_PROTOBUF_C_SHIM_H
#define ROOKERY_PROTOBUF_C_SHIM_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct rookery_arena_block {
    struct rookery_arena_block *previous;
    size_t capacity;
    size_t used;
    bool lent;         // somebody else's memory
} rookery_arena_block;

static const size_t rookery_arena_block_header = (sizeof(rookery_arena_block) + 15) & ~(size_t)15;

typedef struct rookery_arena {
    ProtobufCAllocator allocator;
    rookery_arena_block *block;
    size_t budget;     // bytes that may still be handed out
    bool exhausted;    // an allocation was refused because of the budget
} rookery_arena;

static inline void *rookery_arena_alloc(void *context, size_t size) {
    rookery_arena *arena = (rookery_arena *)context;
    size_t rounded = (size + 15) & ~(size_t)15;
    if (rounded < size || rounded > arena->budget) {
        arena->exhausted = true;
        return NULL;
    }
    rookery_arena_block *block = arena->block;
    if (block == NULL || block->capacity - block->used < rounded) {
        size_t capacity = block == NULL ? 1024 : block->capacity * 2;
        if (capacity > 1 << 20) capacity = 1 << 20;
        if (capacity < rounded) capacity = rounded;
        rookery_arena_block *fresh = (rookery_arena_block *)malloc(rookery_arena_block_header + capacity);
        if (fresh == NULL) return NULL;
        fresh->previous = block;
        fresh->capacity = capacity;
        fresh->used = 0;
        fresh->lent = false;
        arena->block = fresh;
        block = fresh;
    }
    char *base = (char *)block + rookery_arena_block_header;
    void *result = base + block->used;
    block->used += rounded;
    arena->budget -= rounded;
    return result;
}

// Memory goes back with the arena, never piece by piece.
static inline void rookery_arena_free(void *context, void *pointer) {
    (void)context;
    (void)pointer;
}

static inline void rookery_arena_init(rookery_arena *arena, size_t budget) {
    arena->allocator.alloc = rookery_arena_alloc;
    arena->allocator.free = rookery_arena_free;
    arena->allocator.allocator_data = arena;
    arena->block = NULL;
    arena->budget = budget;
    arena->exhausted = false;
}

// Lets a new arena use `size` bytes, aligned to 16, before it asks the system for any. They outlive it.
static inline void rookery_arena_lend(rookery_arena *arena, void *memory, size_t size) {
    rookery_arena_block *block = (rookery_arena_block *)memory;
    block->previous = NULL;
    block->capacity = size - rookery_arena_block_header;
    block->used = 0;
    block->lent = true;
    arena->block = block;
}

// Keeps the newest block for the next message, unless it is larger than a message usually needs.
static inline void rookery_arena_reset(rookery_arena *arena, size_t budget) {
    rookery_arena_block *block = arena->block;
    if (block != NULL) {
        rookery_arena_block *previous = block->previous;
        block->previous = NULL;
        block->used = 0;
        while (previous != NULL) {
            rookery_arena_block *older = previous->previous;
            if (!previous->lent) free(previous);
            previous = older;
        }
        if (block->capacity > 1 << 16) {
            if (!block->lent) free(block);
            arena->block = NULL;
        }
    }
    arena->budget = budget;
    arena->exhausted = false;
}

static inline void rookery_arena_destroy(rookery_arena *arena) {
    rookery_arena_block *block = arena->block;
    while (block != NULL) {
        rookery_arena_block *previous = block->previous;
        if (!block->lent) free(block);
        block = previous;
    }
    arena->block = NULL;
}

#endif
