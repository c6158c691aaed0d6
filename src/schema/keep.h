/*
 * keep.h
 *	  Objects that the target lacks and that are nevertheless kept.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KEEP_H
#define CMIG_KEEP_H

#include "postgres.h"
#include "schema/image.h"

/* May an object that the other image lacks be kept? */
typedef bool (*CmigKeepCandidate) (const CmigObject *object, void *arg);

/*
 * Add the candidates of one image to the other one, unless their parents are
 * not in it, or objects that they depend on.
 */
extern void cmig_keep(const CmigImage *from, CmigImage *to, CmigKeepCandidate is_candidate, void *arg);

/*
 * For a target of models only: add the objects of one image that ORMs cannot
 * define to the other one, unless their parents are not in it, or objects that
 * they depend on.  Then they are re-created if something that they depend on
 * changes.
 */
extern void cmig_keep_unknown(const CmigImage *from, CmigImage *to);

/*
 * Is it an object that ORMs cannot define, and that was not added although its
 * parent, if any, remains? Returns the object on which it depends, or NULL.
 */
extern const CmigObject *cmig_keep_missing(const CmigObject *object, const CmigImage *to);

#endif							/* CMIG_KEEP_H */
