"""A page to look at: one HTML file that opens offline and recomputes its picture from the exact field.

    javascript       equation + update text + loss -> tape -> functions of the page
    controls         parameters and their stated ranges -> sliders;   scaling   the regimes made for decay factors near one
    words            terms and coefficients -> sentences;   stabiliser   the same for eps
    formula_images   LaTeX -> inline SVG
    pictures         slopes -> drawings
    page             everything -> one file
"""
